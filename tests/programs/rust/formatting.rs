//! Formatting of every kind, and floating-point numbers to text and back.
use std::fmt::Write;

#[derive(Debug, Clone, Default)]
struct Point {
    x: f64,
    y: f64,
    label: Option<String>,
}

fn main() {
    println!("[{:5}] [{:<5}] [{:^5}] [{:>5}] [{:*^9}] [{:05}] [{:+}]", 42, 42, 42, 42, "mid", -42, 42);
    println!("[{:x}] [{:#X}] [{:#b}] [{:o}] [{:#010x}] [{:e}] [{:E}]", 255, 255, 5, 8, 255, 1234.5, 0.00012);
    println!("[{:.3}] [{:8.2}] [{:+.0}] [{:width$.precision$}] [{:.*}]", 3.14159, 2.5, 1.5, 2.71828, 2, 1.23456, width = 10, precision = 4);
    println!("{0} {1} {0} {name}", "first", "second", name = "named");
    println!("{:?} {:?} {:?} {:?}", "quo\"te\n\t\u{1f600}\u{7}", 'c', Some(1.0), None::<u8>);
    let point = Point { x: 1.5, y: -0.0, label: Some("p".into()) };
    println!("{:?}\n{:#?}", point, point);
    println!("{:?} {:?}", Point::default(), (1, "two", [3.0, 4.5]));
    println!("{:p}", 0x1234 as *const u8);
    let floats = [0.0, -0.0, 1.0, 0.1, 1.0 / 3.0, 1e21, 1e-7, 123456789.123, f64::MAX, f64::MIN_POSITIVE, 5e-324, f64::INFINITY, f64::NEG_INFINITY, f64::EPSILON];
    for f in floats {
        let text = f.to_string();
        let back: f64 = text.parse().unwrap();
        let debug = format!("{:?} {:e} {:.2} {}", f, f, f, f as f32);
        println!("{} same {} {}", if text.len() > 40 { format!("{}... ({})", &text[..40], text.len()) } else { text }, back.to_bits() == f.to_bits(),
                 if debug.len() > 60 { debug.len().to_string() } else { debug });
    }
    println!("{} {}", f64::NAN.to_string(), (0.1f32 + 0.2f32) as f64);
    for text in ["1", " 1", "-129", "256", "0x10", "", "9223372036854775808"] {
        println!("{:?}: {:?} {:?} {:?}", text, text.parse::<i8>(), text.parse::<u64>(), text.parse::<f32>());
    }
    let mut text = String::new();
    for i in 0..5 {
        write!(text, "{:>1$}", i, i + 1).unwrap();
    }
    println!("{text:?} {len}", len = text.len());
    let x = 0.7f64;
    println!("{:?} {:?} {:?} {:?} {:?} {:?}", x.sin(), x.exp(), x.powf(3.3), x.atan2(-2.0), x.mul_add(3.0, 1e-17), x.tanh());
    println!("{} {} {} {}", 2.5f64.round(), (-2.5f64).floor(), f64::MAX as i32, f64::NAN as u8);
    println!("{:?} {:?} {:?}", f64::NAN.max(1.0), (0.0f64).min(-0.0).abs(), 1.0f64.total_cmp(&f64::NAN));
    eprintln!("{:>10}", "to stderr");
}
