package main

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

const (
	goroutines = 4
	updates    = 200
	all        = goroutines * updates
)

// Goroutines that add to one number lose updates, unless something keeps them apart.
func race() {
	var number int64
	var mutex sync.Mutex
	token := make(chan struct{}, 1)
	// ANCHOR: race
	plainly := func() {
		read := atomic.LoadInt64(&number)
		runtime.Gosched()
		atomic.StoreInt64(&number, read+1)
	}
	for _, way := range []struct {
		how    string
		update func()
	}{
		{"plain", plainly},
		{"atomic", func() { atomic.AddInt64(&number, 1) }},
		{"mutex", func() { mutex.Lock(); plainly(); mutex.Unlock() }},
		{"token", func() { token <- struct{}{}; plainly(); <-token }},
	} {
		// ANCHOR_END: race
		number = 0
		atOnce(goroutines, func(int) {
			for i := 0; i < updates; i++ {
				way.update()
			}
		})
		record("how", way.how, "goroutines", goroutines, "updates", all, "counted", number, "lost", all-number)
	}
}

// atOnce starts that many at one gate, and waits for all.
func atOnce(count int, work func(nth int)) {
	var done sync.WaitGroup
	gate := make(chan struct{})
	for i := 0; i < count; i++ {
		done.Add(1)
		go func(nth int) {
			defer done.Done()
			<-gate
			work(nth)
		}(i)
	}
	close(gate)
	done.Wait()
}

// One word is safe. Of two words whose sum never changes, somebody sees the one without the other.
func atomics() {
	var number int64
	atOnce(goroutines, func(int) {
		for i := 0; i < updates; i++ {
			atomic.AddInt64(&number, 1)
		}
	})
	const looks = 1000
	var mutex sync.Mutex
	record(
		"adds", all, "lost_adds", all-number, "looks", looks,
		"wrong_sums_by_atomics", wrongSums(looks, func(work func()) { work() }),
		"wrong_sums_by_mutex", wrongSums(looks, func(work func()) { mutex.Lock(); work(); mutex.Unlock() }),
	)
}

// wrongSums looks at the sum that many times, and goes on for a second or until it is seen wrong. Between the two
// words there is room for whoever is not kept out.
func wrongSums(looks int, alone func(func())) (wrong int) {
	var one, other int64
	var done atomic.Bool
	// ANCHOR: words
	go func() {
		for !done.Load() {
			alone(func() {
				atomic.AddInt64(&one, 1)
				runtime.Gosched()
				atomic.AddInt64(&other, -1)
			})
		}
	}()
	// ANCHOR_END: words
	deadline := time.Now().Add(time.Second)
	for i := 0; i < looks || (wrong == 0 && time.Now().Before(deadline)); i++ {
		alone(func() {
			if atomic.LoadInt64(&one)+atomic.LoadInt64(&other) != 0 {
				wrong++
			}
		})
		runtime.Gosched()
	}
	done.Store(true)
	return wrong
}
