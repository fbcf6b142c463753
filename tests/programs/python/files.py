"""Files, directories, pickles, csv, hashes, compression, struct, base64, paths, arguments, environment and time."""
# mypy: ignore-errors

import base64
import binascii
import csv
import hashlib
import io
import os
import pathlib
import pickle
import shutil
import struct
import sys
import time

root = pathlib.Path("/data")
print((root / "given.txt").read_text())
with open(root / "lines.txt", "w") as file:
    for i in range(1000):
        print(i, i**3, sep="\t", file=file)
with open(root / "lines.txt") as file:
    print(sum(int(line.split("\t")[1]) for line in file))
with open(root / "lines.txt", "r+b") as file:
    file.seek(-20, os.SEEK_END)
    print(file.read(), file.tell())
    file.seek(0)
    file.write(b"XYZ")
    file.truncate(1000)
print((root / "lines.txt").stat().st_size)
(root / "tree/branch/leaf").mkdir(parents=True)
for name in "cab":
    (root / "tree/branch" / name).write_bytes(name.encode() * 1000)
print(sorted(str(p.relative_to(root)) for p in root.rglob("*")))
os.rename(root / "tree/branch/a", root / "tree/moved")
os.remove(root / "tree/branch/b")
shutil.copyfile(root / "tree/moved", root / "copy.bin")
shutil.rmtree(root / "tree/branch")
print(sorted(os.listdir(root)), sorted(e.name for e in os.scandir(root) if e.is_dir()))
for bad in ("/data/absent", "/elsewhere/file", "/data"):
    try:
        open(bad)  # noqa: SIM115
    except OSError as error:
        print(type(error).__name__, error.strerror if bad != "/elsewhere/file" else "")

data = bytes(i * i & 255 for i in range(100000))
for algorithm in ("md5", "sha1", "sha256", "sha512", "sha3_256", "blake2b"):
    print(algorithm, hashlib.new(algorithm, data).hexdigest()[:32])
print(binascii.crc32(data), hashlib.sha256(b"").hexdigest())
print(base64.b64encode(data[:30]).decode())
print(struct.pack("<hIqd", -1, 2, 3, 1.5).hex(), struct.unpack(">f", b"\x40\x49\x0f\xdb"))
value = {"a": [1, 2.5, "x"], "b": {3, 4}, "c": (None, True, b"bytes"), "big": 10**50}
with open(root / "value.pickle", "wb") as file:
    pickle.dump(value, file)
with open(root / "value.pickle", "rb") as file:
    print(pickle.load(file) == value)
buffer = io.StringIO()
writer = csv.writer(buffer)
writer.writerows([["a", 'quo"te', 1], ["b", "com,ma", 2]])
print(repr(buffer.getvalue()), list(csv.reader(io.StringIO(buffer.getvalue()))))

print(sys.argv, sys.platform, os.environ.get("GREETING"), "HOME" in os.environ, sys.byteorder, sys.maxsize)
start = time.monotonic()
time.sleep(0.02)
print(time.monotonic() - start >= 0.02, time.time() > 1.7e9, time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(10**9)))
print(len(os.urandom(16)), os.urandom(8) != os.urandom(8))
print("to standard error", file=sys.stderr)
