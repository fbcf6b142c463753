// A runtime that asks for time and chance by itself: goroutines that sleep, seeds of hash tables and generators.
package main

import (
	"crypto/rand"
	"fmt"
	mathrand "math/rand"
	"time"
)

func main() {
	start := time.Now()
	bytes := make([]byte, 8)
	rand.Read(bytes)
	fmt.Printf("%x %d\n", bytes, mathrand.Int63())
	table := map[int]bool{}
	for i := 0; i < 20; i++ {
		table[i] = true
	}
	for key := range table { // begins anywhere
		fmt.Print(key, " ")
	}
	fmt.Println()
	done := make(chan int)
	for i := 0; i < 3; i++ {
		go func(i int) {
			time.Sleep(time.Duration(i+1) * time.Hour)
			done <- i
		}(i)
	}
	for i := 0; i < 3; i++ {
		fmt.Println(<-done, time.Since(start).Round(time.Hour))
	}
	fmt.Println(time.Now().UTC())
}
