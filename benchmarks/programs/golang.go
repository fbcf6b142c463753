// Ordinary Go: maps, sorting by interfaces, strings, goroutines and channels, methods through interfaces, and numbers.
// `program KERNEL REPEATS` prints what came of the kernel and the seconds it took.
package main

import (
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"
	"time"
)

func random(state *uint32) uint32 {
	*state = *state*1664525 + 1013904223
	mixed := (*state ^ *state>>15) * 0x2c1b3c6d
	return mixed ^ mixed>>14
}

func fold(hash, value uint64) uint64 {
	hash = (hash ^ value) * 0x9e3779b97f4a7c15
	return hash ^ hash>>29
}

func maps() uint64 {
	state := uint32(1)
	counts := map[uint32]uint32{}
	for i := uint32(0); i < 100000; i++ {
		counts[random(&state)%20000] += i
	}
	names := map[string]uint32{}
	for key, value := range counts {
		if key%4 == 0 {
			names["name "+strconv.Itoa(int(key))] = value
		}
	}
	sum := uint64(len(names))
	for key := uint32(0); key < 20000; key++ {
		sum += uint64(counts[key])
	}
	return sum
}

type person struct {
	name string
	age  int
}
type byAge []person

func (p byAge) Len() int           { return len(p) }
func (p byAge) Swap(i, j int)      { p[i], p[j] = p[j], p[i] }
func (p byAge) Less(i, j int) bool { return p[i].age < p[j].age || p[i].age == p[j].age && p[i].name < p[j].name }

func sorting() uint64 {
	state := uint32(2)
	people := make([]person, 20000)
	for i := range people {
		people[i] = person{"n" + strconv.Itoa(int(random(&state)%9000)), int(random(&state) % 90)}
	}
	sort.Sort(byAge(people))
	hash := uint64(0)
	for _, p := range people {
		hash = fold(hash, uint64(p.age+len(p.name)))
	}
	return hash
}

func text() uint64 {
	var builder strings.Builder
	for i := 0; i < 3000; i++ {
		fmt.Fprintf(&builder, "%d = %.2f; %x\n", i*7919%3001, float64(i)/8, i*i)
	}
	lines := strings.Split(builder.String(), "\n")
	sort.Strings(lines)
	hash := uint64(0)
	for _, line := range lines {
		for _, word := range strings.Fields(strings.ToUpper(line)) {
			hash = fold(hash, uint64(len(word))+uint64(word[0]))
		}
	}
	return hash
}

// Numbers through a chain of goroutines, each of which takes out the multiples of its prime.
func channels() uint64 {
	numbers := make(chan int)
	done := make(chan struct{})
	go func(out chan<- int) {
		for i := 2; ; i++ {
			select {
			case out <- i:
			case <-done:
				return
			}
		}
	}(numbers)
	sum := uint64(0)
	for i := 0; i < 60; i++ {
		prime := <-numbers
		sum = fold(sum, uint64(prime))
		left := make(chan int)
		go func(in <-chan int, out chan<- int) {
			for {
				select {
				case number := <-in:
					if number%prime == 0 {
						continue
					}
					select {
					case out <- number:
					case <-done:
						return
					}
				case <-done:
					return
				}
			}
		}(numbers, left)
		numbers = left
	}
	close(done)
	return sum
}

type shape interface{ area() float64 }
type circle struct{ radius float64 }
type square struct{ side float64 }

func (c circle) area() float64  { return 3.25 * c.radius * c.radius }
func (s *square) area() float64 { s.side += 0.125; return s.side * s.side }

func interfaces() uint64 {
	var shapes []shape
	for i := 0; i < 1000; i++ {
		if i%3 == 0 {
			shapes = append(shapes, circle{float64(i)})
		} else {
			shapes = append(shapes, &square{float64(i % 7)})
		}
	}
	sum := 0.0
	for round := 0; round < 100; round++ {
		for _, s := range shapes {
			sum += s.area()
		}
	}
	return uint64(sum)
}

func numbers() uint64 {
	const size = 150
	var left, right, product [size][size]int64
	state := uint32(3)
	for i := range left {
		for j := range left[i] {
			left[i][j] = int64(random(&state) >> 16)
			right[j][i] = int64(random(&state) >> 16)
		}
	}
	for i := range left {
		for k := range right {
			for j := range right[k] {
				product[i][j] += left[i][k] * right[k][j]
			}
		}
	}
	hash := uint64(0)
	for i := range product {
		hash = fold(hash, uint64(product[i][size-1-i]))
	}
	return hash
}

func main() {
	kernels := map[string]func() uint64{
		"maps": maps, "sort": sorting, "strings": text, "channels": channels, "interfaces": interfaces, "numbers": numbers,
	}
	kernel := kernels[os.Args[1]]
	repeats, _ := strconv.Atoi(os.Args[2])
	result, seconds := uint64(0), time.Duration(0)
	for ; repeats > 0; repeats-- {
		started := time.Now()
		value := kernel()
		seconds += time.Since(started)
		result = fold(result, value)
	}
	fmt.Printf("result %016x\nseconds %.9f\n", result, seconds.Seconds())
}
