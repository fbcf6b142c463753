// Maps, slices, sorting, JSON, closures, interfaces, generics, goroutines, channels, select, mutexes, contexts, timers,
// and recovered panics.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"os"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

type Shape interface {
	Area() float64
}
type Circle struct{ R float64 }
type Box struct{ W, H float64 }

func (c Circle) Area() float64 { return 3 * c.R * c.R }
func (b *Box) Area() float64   { return b.W * b.H }

type Person struct {
	Name    string            `json:"name"`
	Age     int               `json:"age,omitempty"`
	Tags    []string          `json:"tags"`
	Extra   map[string]any    `json:"extra"`
	Parent  *Person           `json:"parent,omitempty"`
	private int
}

type Number interface{ ~int | ~int64 | ~float64 }

func Sum[T Number](values ...T) (total T) {
	for _, v := range values {
		total += v
	}
	return
}

func Map[T, U any](in []T, f func(T) U) []U {
	out := make([]U, 0, len(in))
	for _, v := range in {
		out = append(out, f(v))
	}
	return out
}

var errSentinel = errors.New("sentinel")

func maps() {
	counts := map[string]int{}
	for _, word := range strings.Fields("the cat sat on the mat the end") {
		counts[word]++
	}
	keys := make([]string, 0)
	for key := range counts {
		keys = append(keys, key)
	}
	sort.Slice(keys, func(i, j int) bool {
		return counts[keys[i]] > counts[keys[j]] || counts[keys[i]] == counts[keys[j]] && keys[i] < keys[j]
	})
	fmt.Println(keys, len(counts), counts)
	large := map[uint64]int{}
	for i := 0; i < 50000; i++ {
		large[uint64(i)*2654435761%1000003] = i
	}
	for i := 0; i < 50000; i += 2 {
		delete(large, uint64(i)*2654435761%1000003)
	}
	total := 0
	for _, v := range large {
		total += v
	}
	fmt.Println(len(large), total)
	values := make([]float64, 1000)
	for i := range values {
		values[i] = math.Sin(float64(i))
	}
	sort.Float64s(values)
	fmt.Printf("%x %x %d\n", values[0], values[999], sort.SearchFloat64s(values, 0.5))
}

func encoding() {
	person := Person{"Ann", 0, []string{"a", "b\"c"}, map[string]any{"pi": 3.14, "nested": []int{1, 2}, "nil": nil}, &Person{Name: "Ünï"}, 1}
	text, err := json.Marshal(person)
	fmt.Println(string(text), err)
	var back Person
	fmt.Println(json.Unmarshal(text, &back), back.Parent.Name, back.Extra["pi"], back.Extra["nested"])
	var anything any
	err = json.Unmarshal([]byte(`{"list": [1, 2.5, "x", {"deep": true}], "big": 12345678901234567890}`), &anything)
	indented, _ := json.MarshalIndent(anything, "", "  ")
	fmt.Println(string(indented), err)
	err = json.Unmarshal([]byte(`{"name": 5}`), &back)
	var wrong *json.UnmarshalTypeError
	fmt.Println(errors.As(err, &wrong), json.Unmarshal([]byte(`{"x": `), &back))
}

func goroutines() {
	var group sync.WaitGroup
	var mutex sync.Mutex
	var atomically atomic.Int64
	total := 0
	for worker := 1; worker <= 50; worker++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for i := 0; i < 100; i++ {
				mutex.Lock()
				total += worker
				mutex.Unlock()
				atomically.Add(int64(i))
			}
		}()
	}
	group.Wait()
	fmt.Println(total, atomically.Load())

	// A sieve: a chain of goroutines, each filtering what passes through it.
	numbers := make(chan int)
	done := make(chan struct{})
	go func() {
		for i := 2; ; i++ {
			select {
			case numbers <- i:
			case <-done:
				close(numbers)
				return
			}
		}
	}()
	current := numbers
	for i := 0; i < 40; i++ {
		prime := <-current
		if i%8 == 7 {
			fmt.Print(prime, " ")
		}
		next := make(chan int)
		go func(in <-chan int, out chan<- int, prime int) {
			defer close(out)
			for n := range in {
				if n%prime != 0 {
					select {
					case out <- n:
					case <-done:
						return
					}
				}
			}
		}(current, next, prime)
		current = next
	}
	close(done)
	fmt.Println()

	buffered := make(chan string, 3)
	quit := time.After(30 * time.Millisecond)
	go func() {
		for i := range 5 {
			buffered <- strconv.Itoa(i)
		}
		close(buffered)
	}()
	for received := range buffered {
		fmt.Print(received, ",")
	}
	select {
	case <-quit:
		fmt.Println("timed out")
	case <-time.After(10 * time.Second):
		fmt.Println("too late")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	<-ctx.Done()
	fmt.Println(ctx.Err())
	var once sync.Once
	for range 3 {
		once.Do(func() { fmt.Println("once") })
	}
	start := time.Now()
	time.Sleep(20 * time.Millisecond)
	fmt.Println("slept", time.Since(start) >= 20*time.Millisecond)
}

func guarded(what string, f func()) {
	defer func() {
		if r := recover(); r != nil {
			fmt.Println(what, "recovered:", r)
			if e, ok := r.(error); ok {
				fmt.Println(errors.Is(e, errSentinel))
			}
		}
	}()
	f()
	fmt.Println(what, "fine")
}

func deep(n int) int {
	var pad [64]int
	if n == 0 {
		return len(pad)
	}
	pad[n%64] = n
	return deep(n-1) + pad[n%64]%2
}

func main() {
	maps()
	encoding()
	goroutines()
	guarded("nothing", func() {})
	guarded("message", func() { panic("a message") })
	guarded("error", func() { panic(fmt.Errorf("wrapped: %w", errSentinel)) })
	guarded("index", func() { var s []int; _ = s[len(os.Args)+4] })
	guarded("nil map", func() { var m map[string]int; m["x"] = 1 })
	guarded("nil pointer", func() { var b *Box; fmt.Println(b.Area()) })
	guarded("division", func() { zero := len(os.Args) - len(os.Args); fmt.Println(1 / zero) })
	guarded("assertion", func() { var s Shape = Circle{1}; _ = s.(*Box) })
	for _, shape := range []Shape{Circle{2}, &Box{3, 4}} {
		switch s := shape.(type) {
		case Circle:
			fmt.Printf("%T %v %.1f\n", s, s, s.Area())
		case *Box:
			fmt.Printf("%T %+v %.1f\n", s, *s, s.Area())
		}
	}
	fmt.Println(Sum(1, 2, 3), Sum(1.5, 2.25), Map([]int{1, 2, 3}, func(i int) string { return strings.Repeat("x", i) }))
	fmt.Println(deep(20000))
	fmt.Println(new(big.Int).Exp(big.NewInt(3), big.NewInt(200), nil), math.MaxInt64, uint8(len(os.Args)+199)+100)
	garbage := 0
	for i := range 2000 {
		garbage += len(make([]byte, 20000+i))
	}
	fmt.Println(garbage)
	for i := range 3 {
		defer fmt.Println("deferred", i)
	}
	fmt.Printf("%08.3f|%-6s|%+d|%q|%x|%t|%v|%e|%c|%U\n", 3.14159, "ab", 5, "q\n", "hex", true, []any{1, "a", nil}, 12345.678, 'é', 'é')
}
