//! Arithmetic with overflow checks (as in a debug build), matrices, hashing, and sorting of many integers.
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

#[derive(Clone, Copy)]
struct Random(u64);
impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) ^ self.0
    }
}

fn multiply<const N: usize>(a: &[[f64; N]; N], b: &[[f64; N]; N]) -> [[f64; N]; N] {
    let mut c = [[0.0; N]; N];
    for i in 0..N {
        for j in 0..N {
            c[i][j] = (0..N).map(|k| a[i][k] * b[k][j]).sum();
        }
    }
    c
}

fn gcd(a: u128, b: u128) -> u128 {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn main() {
    let mut random = Random(42);
    let mut values: Vec<u32> = (0..20000).map(|_| random.next() as u32).collect();
    let mut stable: Vec<(u8, usize)> = values.iter().enumerate().map(|(i, v)| (*v as u8, i)).collect();
    values.sort_unstable();
    stable.sort_by_key(|pair| pair.0);
    println!("{} {}", values.windows(2).all(|w| w[0] <= w[1]), stable.windows(2).all(|w| w[0] < w[1]));
    println!("{:?} {:?}", values.binary_search(&values[7777]).is_ok(), values.binary_search(&0).is_err());
    let mut hasher = DefaultHasher::new();
    values.hash(&mut hasher);
    "text".hash(&mut hasher);
    println!("{:016x}", hasher.finish());
    let mut matrix = [[0.0; 12]; 12];
    for (i, row) in matrix.iter_mut().enumerate() {
        for (j, cell) in row.iter_mut().enumerate() {
            *cell = ((i * 12 + j) % 7) as f64 / 4.0 - 0.6;
        }
    }
    let power = (0..6).fold(matrix, |m, _| multiply(&m, &matrix));
    println!("{:?} {:?}", power[0][0].to_bits(), power.iter().map(|row| row.iter().sum::<f64>()).sum::<f64>());
    println!("{}", gcd(2u128.pow(100) - 1, 2u128.pow(60) - 1));
    let collatz = (1u64..3000).map(|n| {
        let (mut n, mut steps) = (n, 0);
        while n != 1 {
            n = if n % 2 == 0 { n / 2 } else { 3 * n + 1 };
            steps += 1;
        }
        steps
    }).max();
    println!("{:?}", collatz);
    println!("{:?} {:?} {:?}", 250u8.checked_add(10), i64::MAX.saturating_add(1), 7i32.checked_rem(0));
    println!("{} {} {}", (-7i32).rem_euclid(3), (-7i32) / 2, (-7i32) >> 1);
    println!("{} {} {}", u64::MAX.count_ones(), 40u16.leading_zeros(), 0u32.trailing_zeros());
    println!("{} {} {}", 1u32.rotate_right(1), 0x1234u16.swap_bytes(), 6u8.reverse_bits());
}
