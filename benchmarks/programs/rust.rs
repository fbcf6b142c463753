//! Ordinary Rust: chains of iterators, hash maps and ordered ones, strings, traits, and slices with their bounds checks.
//! `program KERNEL REPEATS` prints what came of the kernel and the seconds it took.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::time::Instant;

fn random(state: &mut u32) -> u32 {
    *state = state.wrapping_mul(1664525).wrapping_add(1013904223);
    let mixed = (*state ^ *state >> 15).wrapping_mul(0x2c1b3c6d);
    mixed ^ mixed >> 14
}

fn fold(hash: u64, value: u64) -> u64 {
    let hash = (hash ^ value).wrapping_mul(0x9e3779b97f4a7c15);
    hash ^ hash >> 29
}

fn iterators() -> u64 {
    let mut state = 1;
    let numbers: Vec<u32> = (0..200_000).map(|_| random(&mut state)).collect();
    let odd: u64 = numbers.iter().filter(|n| *n & 1 == 1).map(|n| u64::from(n >> 3)).sum();
    let close = numbers.windows(2).filter(|pair| pair[0].abs_diff(pair[1]) < 1 << 24).count() as u64;
    let best = numbers.chunks(50).map(|chunk| chunk.iter().copied().fold(0, u32::max)).min().unwrap();
    let zipped: u32 = numbers.iter().zip(numbers.iter().rev()).step_by(3).fold(0, |sum, (a, b)| sum.wrapping_mul(3) + (a ^ b) % 7);
    fold(odd, close) ^ u64::from(best) << 32 ^ u64::from(zipped)
}

fn hash_maps() -> u64 {
    let mut state = 2;
    let mut counts: HashMap<u32, u32> = HashMap::new();
    for i in 0..100_000 {
        *counts.entry(random(&mut state) % 30_000).or_default() += i;
    }
    let mut names: HashMap<String, usize> = HashMap::new();
    for (key, value) in counts.iter().filter(|(key, _)| *key % 5 == 0) {
        names.insert(format!("name {key}"), *value as usize);
    }
    let found: u64 = (0..30_000).filter_map(|key| counts.get(&key)).map(|value| u64::from(*value)).sum();
    found + names.values().map(|value| *value as u64).sum::<u64>()
}

fn ordered_maps() -> u64 {
    let mut state = 3;
    let mut map = BTreeMap::new();
    for i in 0..50_000u32 {
        map.insert(random(&mut state) % 40_000, i);
    }
    let mut hash = 0;
    for start in (0..40_000).step_by(400) {
        hash = fold(hash, map.range(start..start + 300).map(|(key, value)| u64::from(key ^ value)).sum());
    }
    map.retain(|key, _| key % 3 == 0);
    fold(hash, map.len() as u64)
}

fn strings() -> u64 {
    let mut text = String::new();
    for i in 0..4000u32 {
        writeln!(text, "{} = {:.2}; größe-{:x}", i.wrapping_mul(7919) % 4001, f64::from(i) / 8.0, i * i).unwrap();
    }
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    let numbers: u64 = lines.iter().filter_map(|line| line.split(' ').next()?.parse::<u64>().ok()).sum();
    let upper: String = text.chars().rev().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect();
    let words = text.split_whitespace().filter(|word| word.contains("99")).count() as u64;
    upper.bytes().fold(fold(numbers, words), |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100000001b3))
}

trait Rule {
    fn next(&self, left: u8, own: u8, right: u8) -> u8;
}
struct Table(u8);
struct Sum(u8);
impl Rule for Table {
    fn next(&self, left: u8, own: u8, right: u8) -> u8 {
        self.0 >> (left & 1) * 4 + (own & 1) * 2 + (right & 1) & 1
    }
}
impl Rule for Sum {
    fn next(&self, left: u8, own: u8, right: u8) -> u8 {
        (left + own + right + self.0) % 3
    }
}

fn traits() -> u64 {
    let rules: Vec<Box<dyn Rule>> = vec![Box::new(Table(30)), Box::new(Sum(1)), Box::new(Table(110)), Box::new(Sum(0))];
    let mut cells = vec![0u8; 500];
    cells[250] = 1;
    for step in 0..800 {
        let before = cells.clone();
        let rule = &rules[step / 3 % rules.len()];
        for i in 1..cells.len() - 1 {
            cells[i] = rule.next(before[i - 1], before[i], before[i + 1]);
        }
    }
    cells.iter().fold(0, |hash, cell| fold(hash, u64::from(*cell)))
}

fn slices() -> u64 {
    let mut state = 4;
    let size = 120;
    let left: Vec<Vec<f64>> = (0..size).map(|_| (0..size).map(|_| f64::from(random(&mut state) >> 20)).collect()).collect();
    let right = left.clone();
    let mut product = vec![vec![0.0; size]; size];
    for i in 0..size {
        for k in 0..size {
            for j in 0..size {
                product[i][j] += left[i][k] * right[k][j];
            }
        }
    }
    let mut order: Vec<(u64, usize)> = product.iter().flatten().map(|n| n.to_bits()).zip(0..).collect();
    order.sort_by(|a, b| b.cmp(a));
    order.binary_search_by(|probe| order[77].cmp(probe)).unwrap() as u64 + order[5].1 as u64 + order[0].0
}

fn main() {
    let kernels: [(&str, fn() -> u64); 6] = [
        ("iterators", iterators),
        ("hash-maps", hash_maps),
        ("ordered-maps", ordered_maps),
        ("strings", strings),
        ("traits", traits),
        ("slices", slices),
    ];
    let arguments: Vec<String> = std::env::args().collect();
    let (_, kernel) = kernels.iter().find(|(name, _)| *name == arguments[1]).expect("no such kernel");
    let (mut result, mut seconds) = (0, 0.0);
    for _ in 0..arguments[2].parse().unwrap() {
        let started = Instant::now();
        let value = kernel();
        seconds += started.elapsed().as_secs_f64();
        result = fold(result, value);
    }
    println!("result {result:016x}\nseconds {seconds:.9}");
}
