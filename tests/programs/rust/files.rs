//! Files, directories, standard input, environment and time through std.
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::time::{Duration, Instant, SystemTime};

fn main() -> io::Result<()> {
    println!("{:?}", fs::read_to_string("/data/in.txt")?);
    {
        let mut writer = BufWriter::new(File::create("/data/numbers.txt")?);
        for i in 0..2000 {
            writeln!(writer, "{} {}", i, i * i)?;
        }
    }
    let reader = BufReader::new(File::open("/data/numbers.txt")?);
    let sum: u64 = reader.lines().map(|line| line.unwrap().split(' ').nth(1).unwrap().parse::<u64>().unwrap()).sum();
    println!("sum {}", sum);
    let mut file = OpenOptions::new().read(true).write(true).append(false).open("/data/numbers.txt")?;
    file.seek(SeekFrom::End(-13))?;
    let mut tail = String::new();
    file.read_to_string(&mut tail)?;
    println!("{:?} at {}", tail, file.stream_position()?);
    file.seek(SeekFrom::Start(2))?;
    file.write_all(b"X")?;
    file.set_len(20)?;
    println!("{:?}", fs::read("/data/numbers.txt")?);
    OpenOptions::new().append(true).open("/data/numbers.txt")?.write_all(b"end")?;
    println!("length {}", fs::metadata("/data/numbers.txt")?.len());

    fs::create_dir_all("/data/a/b/c")?;
    fs::write("/data/a/b/c/deep.txt", "deep")?;
    fs::copy("/data/a/b/c/deep.txt", "/data/a/copy.txt")?;
    fs::rename("/data/a/copy.txt", "/data/a/renamed.txt")?;
    let mut entries: Vec<_> = fs::read_dir("/data/a")?
        .map(|e| e.map(|e| (e.file_name().into_string().unwrap(), e.file_type().unwrap().is_dir())))
        .collect::<Result<_, _>>()?;
    entries.sort();
    println!("{:?}", entries);
    fs::remove_file("/data/a/renamed.txt")?;
    fs::remove_dir_all("/data/a/b")?;
    for path in ["/data/absent", "/data/a", "/elsewhere/x"] {
        match File::open(path).and_then(|mut f| f.read(&mut [0; 4])) {
            Ok(n) => println!("{} read {}", path, n),
            Err(error) => println!("{} {:?}", path, error.kind()),
        }
    }
    println!("{:?}", fs::create_dir("/data/a").map_err(|e| e.kind()));
    let modified = fs::metadata("/data/numbers.txt")?.modified()?;
    println!("recent {}", SystemTime::now().duration_since(modified).map_or(true, |d| d < Duration::from_secs(600)));

    let start = Instant::now();
    std::thread::sleep(Duration::from_millis(15));
    println!("slept {}", start.elapsed() >= Duration::from_millis(15));
    println!("{:?} {:?}", std::env::var("COLOUR"), std::env::var("HOME").is_err());
    let mut input = String::new();
    io::stdin().read_line(&mut input)?;
    let rest: Vec<String> = io::stdin().lock().lines().collect::<Result<_, _>>()?;
    println!("{:?} {:?}", input, rest);
    io::stdout().flush()
}
