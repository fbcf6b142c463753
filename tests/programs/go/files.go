// Files, directories, standard input, arguments, environment, and the ways in which a Go program ends.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

func check(err error) {
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
}

func files() {
	text, err := os.ReadFile("/data/in.txt")
	check(err)
	fmt.Printf("%q\n", text)
	check(os.MkdirAll("/data/a/b", 0o755))
	for i := range 20 {
		check(os.WriteFile(fmt.Sprintf("/data/a/b/%02d.txt", i), []byte(strings.Repeat("x", i)), 0o644))
	}
	check(os.Rename("/data/a/b/03.txt", "/data/a/moved.txt"))
	check(os.Remove("/data/a/b/04.txt"))
	total := int64(0)
	check(filepath.WalkDir("/data", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if info, err := entry.Info(); err == nil && !entry.IsDir() {
			total += info.Size()
			if info.Size() > 15 {
				fmt.Print(path, " ")
			}
		}
		return nil
	}))
	fmt.Println(total)
	file, err := os.OpenFile("/data/log.txt", os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o644)
	check(err)
	fmt.Fprintf(file, "one\n")
	fmt.Fprintf(file, "two\n")
	_, err = file.Seek(2, io.SeekStart)
	check(err)
	rest, _ := io.ReadAll(file)
	fmt.Printf("%q\n", rest)
	check(file.Truncate(5))
	check(file.Close())
	_, err = os.Open("/data/absent")
	fmt.Println(errors.Is(err, fs.ErrNotExist), err)
	_, err = os.Stat("/etc/passwd")
	fmt.Println(err != nil)
	check(os.RemoveAll("/data/a/b"))
}

func main() {
	fmt.Println(len(os.Args), os.Args[1:], os.Getenv("GREETING"), os.Getenv("HOME") == "")
	scanner := bufio.NewScanner(os.Stdin)
	lines := 0
	for scanner.Scan() {
		lines += len(scanner.Text())
	}
	fmt.Println("characters", lines)
	kind := ""
	if len(os.Args) > 1 {
		kind = os.Args[1]
	}
	switch kind {
	case "files":
		files()
	case "exit":
		defer fmt.Println("never: os.Exit runs no deferred calls")
		os.Exit(3)
	case "panic":
		defer fmt.Println("deferred calls run")
		panic(fmt.Sprintf("uncaught, %d", 42))
	case "nil":
		var pointer *struct{ value [10]int }
		fmt.Println(pointer.value[3])
	case "deadlock":
		<-make(chan int)
	}
}
