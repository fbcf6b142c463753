//! Panics: what is said, and how the program ends. On this target they abort, which is a trap.
use std::env;

fn pick(values: &[i32], index: usize) -> i32 {
    values[index]
}

struct Loud(&'static str);
impl Drop for Loud {
    fn drop(&mut self) {
        println!("dropped {}", self.0);
    }
}

fn main() {
    let _loud = Loud("main's");
    let kind = env::args().nth(1).unwrap_or_default();
    println!("kind {:?}", kind);
    match kind.as_str() {
        "index" => println!("{}", pick(&[1, 2, 3], kind.len())),
        "unwrap" => println!("{}", "x".parse::<u32>().unwrap()),
        "message" => panic!("a message with {} in it", 42),
        "exit" => std::process::exit(9),
        "divide" => println!("{}", 1 / (kind.len() - 6)),
        "hook" => {
            std::panic::set_hook(Box::new(|info| eprintln!("the hook: {}", info)));
            assert_eq!(kind.len(), 5, "lengths");
        }
        _ => println!("no panic"),
    }
}
