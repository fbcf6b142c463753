//! Collections, iterators, strings, traits, closures, i128 and generic code of Rust's standard library.
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque};
use std::cell::RefCell;
use std::cmp::Reverse;
use std::fmt;
use std::rc::{Rc, Weak};

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Token {
    Number(i64),
    Operator(char),
    Open,
    Close,
}

#[derive(Debug)]
enum Failure {
    Unexpected(char, usize),
    Unbalanced,
    DivisionByZero,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Failure::Unexpected(c, at) => write!(f, "unexpected {:?} at {}", c, at),
            Failure::Unbalanced => f.write_str("unbalanced"),
            Failure::DivisionByZero => f.write_str("division by zero"),
        }
    }
}
impl std::error::Error for Failure {}

fn tokens(text: &str) -> Result<Vec<Token>, Failure> {
    let mut result = Vec::new();
    let mut chars = text.char_indices().peekable();
    while let Some(&(at, c)) = chars.peek() {
        match c {
            ' ' => {}
            '(' => result.push(Token::Open),
            ')' => result.push(Token::Close),
            '+' | '-' | '*' | '/' => result.push(Token::Operator(c)),
            '0'..='9' => {
                let mut value = 0i64;
                while let Some(digit) = chars.peek().and_then(|&(_, c)| c.to_digit(10)) {
                    value = value * 10 + digit as i64;
                    chars.next();
                }
                result.push(Token::Number(value));
                continue;
            }
            _ => return Err(Failure::Unexpected(c, at)),
        }
        chars.next();
    }
    Ok(result)
}

fn evaluate(text: &str) -> Result<i64, Box<dyn std::error::Error>> {
    fn level(c: char) -> u8 {
        if c == '+' || c == '-' { 1 } else { 2 }
    }
    fn apply(values: &mut Vec<i64>, c: char) -> Result<(), Failure> {
        let b = values.pop().ok_or(Failure::Unbalanced)?;
        let a = values.pop().ok_or(Failure::Unbalanced)?;
        values.push(match c {
            '+' => a + b,
            '-' => a - b,
            '*' => a * b,
            _ => a.checked_div(b).ok_or(Failure::DivisionByZero)?,
        });
        Ok(())
    }
    let (mut values, mut operators) = (vec![], vec![]);
    for token in tokens(text)? {
        match token {
            Token::Number(n) => values.push(n),
            Token::Open => operators.push('('),
            Token::Close => loop {
                match operators.pop() {
                    Some('(') => break,
                    Some(c) => apply(&mut values, c)?,
                    None => return Err(Box::new(Failure::Unbalanced)),
                }
            },
            Token::Operator(c) => {
                while matches!(operators.last(), Some(&o) if o != '(' && level(o) >= level(c)) {
                    apply(&mut values, operators.pop().unwrap())?;
                }
                operators.push(c);
            }
        }
    }
    while let Some(c) = operators.pop() {
        apply(&mut values, c)?;
    }
    values.pop().ok_or_else(|| "nothing to evaluate".into())
}

struct Tree {
    name: String,
    parent: RefCell<Weak<Tree>>,
    children: RefCell<Vec<Rc<Tree>>>,
}

impl Tree {
    fn new(name: &str) -> Rc<Tree> {
        Rc::new(Tree { name: name.to_string(), parent: RefCell::new(Weak::new()), children: RefCell::default() })
    }
    fn add(self: &Rc<Self>, child: Rc<Tree>) {
        *child.parent.borrow_mut() = Rc::downgrade(self);
        self.children.borrow_mut().push(child);
    }
    fn path(&self) -> String {
        match self.parent.borrow().upgrade() {
            Some(parent) => format!("{}/{}", parent.path(), self.name),
            None => self.name.clone(),
        }
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        print!("drop {} ", self.name);
    }
}

trait Animal {
    fn name(&self) -> &str;
    fn sound(&self) -> String {
        format!("{} says nothing", self.name())
    }
}
struct Dog(u32);
struct Fish;
impl Animal for Dog {
    fn name(&self) -> &str {
        "dog"
    }
    fn sound(&self) -> String {
        "woof ".repeat(self.0 as usize).trim_end().to_uppercase()
    }
}
impl Animal for Fish {
    fn name(&self) -> &str {
        "fish"
    }
}

fn collections() {
    let text = "one fish two fish red fish blue fish";
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for word in text.split_whitespace() {
        *counts.entry(word).or_insert(0) += 1;
    }
    let ordered: BTreeMap<_, _> = counts.iter().map(|(word, count)| ((Reverse(*count), *word), word.len())).collect();
    println!("{:?}", ordered);
    let mut heap: BinaryHeap<_> = (1..20u64).map(|i| i * 7919 % 101).collect();
    let mut largest = vec![];
    while let Some(v) = heap.pop() {
        if largest.len() < 5 {
            largest.push(v);
        }
    }
    println!("{:?}", largest);
    let set: HashSet<u32> = (0..1000).map(|i| i * i % 97).collect();
    let other: HashSet<u32> = (0..50).collect();
    let mut common: Vec<_> = set.intersection(&other).copied().collect();
    common.sort_unstable();
    println!("{} {:?}", set.len(), common);
    let mut deque: VecDeque<_> = (0..10).collect();
    deque.rotate_left(3);
    deque.push_front(-1);
    println!("{:?} {:?}", deque, deque.iter().rev().step_by(3).collect::<LinkedList<_>>());
    let range: BTreeSet<_> = (0..100).filter(|n| n % 7 == 3).collect();
    println!("{:?}", range.range(20..60).collect::<Vec<_>>());
    let mut words: Vec<String> = text.split(' ').map(|w| w.chars().rev().collect()).collect();
    words.sort_by(|a, b| a.len().cmp(&b.len()).then_with(|| b.cmp(a)));
    words.dedup();
    println!("{}", words.join(","));
}

fn iterators() {
    let fibonacci = std::iter::successors(Some((0u128, 1u128)), |&(a, b)| a.checked_add(b).map(|c| (b, c)));
    println!("{:?}", fibonacci.last().unwrap());
    let (even, odd): (Vec<i32>, Vec<i32>) = (1..=20).partition(|n| n % 2 == 0);
    println!("{} {}", even.iter().sum::<i32>(), odd.iter().map(|n| *n as i64).product::<i64>());
    println!("{:?}", even.chunks(3).map(|c| c.iter().max().unwrap()).zip("abcd".chars()).collect::<Vec<_>>());
    println!("{:?}", odd.windows(2).fold(String::new(), |s, w| s + &(w[1] - w[0]).to_string()));
    println!("{:?}", [3, 1, 2].iter().scan(10, |state, n| { *state -= n; Some(*state) }).collect::<Vec<_>>());
    let mut adders: Vec<Box<dyn FnMut(i32) -> i32>> = (0..3)
        .map(|i| { let mut total = i; Box::new(move |n| { total += n * i; total }) as Box<dyn FnMut(i32) -> i32> })
        .collect();
    println!("{:?}", (1..4).flat_map(|n| adders.iter_mut().map(move |f| f(n)).collect::<Vec<_>>()).collect::<Vec<_>>());
}

fn main() {
    collections();
    iterators();
    for text in ["1 + 2 * 3", "(1 + 2) * 3 - 8 / 2", "2 * (3", "1 / 0", "1 $ 2", ""] {
        match evaluate(text) {
            Ok(value) => println!("{} = {}", text, value),
            Err(error) => println!("{:?}: {}", text, error),
        }
    }
    let root = Tree::new("root");
    let branch = Tree::new("branch");
    let leaf = Tree::new("leaf");
    branch.add(leaf.clone());
    root.add(branch);
    println!("{} {} {}", leaf.path(), Rc::strong_count(&leaf), Rc::weak_count(&root));
    drop(root);
    println!("{}", leaf.path());
    drop(leaf);
    println!();
    let animals: [Box<dyn Animal>; 2] = [Box::new(Dog(3)), Box::new(Fish)];
    for animal in &animals {
        println!("{}", animal.sound());
    }
    let a = -170141183460469231731687303715884105728i128;
    println!("{} {} {:?} {}", a / 3, a % 1_000_000_007, a.checked_neg(), (a as u128) >> 100);
    println!("{} {:#x}", u128::MAX / 12345678901234567890, 0xdead_beefu128.pow(3));
    println!("{:?} {:?}", 200u8.overflowing_add(100), i32::MIN.wrapping_abs());
    println!("ünïcödé {} {:?}", "ünïcödé".to_uppercase(), "日本語 text".char_indices().nth(2));
}
