package main

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

var synchronisationSteps = []step{{"race", race}, {"atomic", atomics}}

const (
	goroutines = 4
	updates    = 200
)

type outcome struct {
	How        string `json:"how"`
	Goroutines int    `json:"goroutines"`
	Updates    int    `json:"updates"`
	Counted    int64  `json:"counted"`
	Lost       int64  `json:"lost"`
}

// Goroutines that add to one number lose updates, unless something keeps them apart.
func race() (any, error) {
	var number int64
	var mutex sync.Mutex
	token := make(chan struct{}, 1)
	// ANCHOR: race
	plainly := func() {
		read := atomic.LoadInt64(&number)
		runtime.Gosched()
		atomic.StoreInt64(&number, read+1)
	}
	var records []outcome
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
		all := goroutines * updates
		records = append(records, outcome{way.how, goroutines, all, number, int64(all) - number})
	}
	return records, nil
}

// atOnce starts so many at one gate, and waits for all.
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

type atomicity struct {
	Adds           int   `json:"adds"`
	LostAdds       int64 `json:"lost_adds"`
	Looks          int   `json:"looks"`
	WrongByAtomics int   `json:"wrong_sums_by_atomics"`
	WrongByMutex   int   `json:"wrong_sums_by_mutex"`
}

// One word is safe. Of two words whose sum never changes, somebody sees the one without the other.
func atomics() (any, error) {
	var number int64
	atOnce(goroutines, func(int) {
		for i := 0; i < updates; i++ {
			atomic.AddInt64(&number, 1)
		}
	})
	record := atomicity{Adds: goroutines * updates, LostAdds: goroutines*updates - number, Looks: 1000}
	record.WrongByAtomics = wrongSums(record.Looks, func(work func()) { work() })
	var mutex sync.Mutex
	record.WrongByMutex = wrongSums(record.Looks, func(work func()) {
		mutex.Lock()
		work()
		mutex.Unlock()
	})
	return record, nil
}

// wrongSums looks at the sum at least so often, and goes on for a second or until it is seen wrong. Between the two
// words there is room for whoever is not kept out.
func wrongSums(looks int, alone func(func())) (wrong int) {
	var one, other int64
	var done int32
	// ANCHOR: words
	go func() {
		for atomic.LoadInt32(&done) == 0 {
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
	atomic.StoreInt32(&done, 1)
	return wrong
}
