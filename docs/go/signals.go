package main

import (
	"bytes"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

var signalSteps = []step{
	{"types", signalTypes},
	{"constants", constants},
	{"notify", notifyTypes},
	{"order", order},
	{"one", func() (any, error) { return fates("one") }},
	{"all", func() (any, error) { return fates("all") }},
	{"none", func() (any, error) { return fates("none") }},
	{"urgent", urgent},
	{"close", closeChannel},
	{"full", fullChannels},
	{"again", notifyAgain},
	{"independent", independent},
	{"registry", registry},
	{"processes", processes},
	{"go-run-builds", goRunBuilds},
	{"go-run-family", goRunFamily},
	{"go-run-output", goRunOutput},
}

type ordered struct {
	Sent     []int `json:"sent"`
	Rounds   int   `json:"rounds"`
	InOrder  int   `json:"came_as_sent"`
	Reversed int   `json:"came_reversed"`
}

// Two signals, the higher number first: the channel keeps the order in which the runtime finds them.
func order() (any, error) {
	record := ordered{Sent: []int{12, 10}}
	received := make(chan os.Signal, 2)
	signal.Notify(received, syscall.SIGUSR1, syscall.SIGUSR2)
	defer signal.Stop(received)
	for ; record.Rounds < 20_000 && (record.InOrder == 0 || record.Reversed == 0); record.Rounds++ {
		// ANCHOR: order
		if err := raise(syscall.SIGUSR2); err != nil {
			return nil, err
		}
		if err := raise(syscall.SIGUSR1); err != nil {
			return nil, err
		}
		if first := <-received; first == syscall.SIGUSR2 {
			record.InOrder++
		} else {
			record.Reversed++
		}
		<-received
		// ANCHOR_END: order
	}
	return record, nil
}

type urgentNoise struct {
	AskedFor   string `json:"asked_for"`
	SentByUs   int    `json:"sent_by_us"`
	GotSIGURG  bool   `json:"got_sigurg"`
	Goroutines int    `json:"busy_goroutines"`
}

// Go's scheduler interrupts a goroutine that does not pause by SIGURG, and a channel for all signals gets it.
func urgent() (any, error) {
	received := make(chan os.Signal, 100)
	signal.Notify(received)
	defer signal.Stop(received)
	var done int32
	go func() {
		for atomic.LoadInt32(&done) == 0 {
		}
	}()
	defer atomic.StoreInt32(&done, 1)
	record := urgentNoise{AskedFor: "all", Goroutines: 1}
	for deadline := time.Now().Add(patience); !record.GotSIGURG && time.Now().Before(deadline); {
		runtime.GC()
		select {
		case got := <-received:
			record.GotSIGURG = got == syscall.SIGURG
		default:
		}
	}
	return record, nil
}

type channelClosed struct {
	LoopEnded bool   `json:"loop_ended"`
	Received  int    `json:"received"`
	Exit      int    `json:"exit_after_the_next_signal"`
	Says      string `json:"says"`
	Panicked  bool   `json:"panicked"`
}

// The loop ends with its channel. Closed without Stop, the channel ends the program at the next signal.
func closeChannel() (any, error) {
	received := make(chan os.Signal, 1)
	signal.Notify(received, syscall.SIGUSR1)
	if err := raise(syscall.SIGUSR1); err != nil {
		return nil, err
	}
	ended := make(chan int)
	// ANCHOR: close
	go func() {
		count := 0
		for range received {
			count++
			signal.Stop(received)
			close(received)
		}
		ended <- count
	}()
	// ANCHOR_END: close
	record := channelClosed{}
	select {
	case record.Received = <-ended:
		record.LoopEnded = true
	case <-time.After(patience):
	}
	var says bytes.Buffer
	child := self("close-without-stop")
	child.Stderr = &says
	child.Run()
	record.Exit = child.ProcessState.ExitCode()
	record.Says, _, _ = strings.Cut(says.String(), "\n")
	record.Panicked = strings.HasPrefix(record.Says, "panic: ") && record.Exit == 2
	return record, nil
}

// As the child of closeChannel: ends with 0 only if the signal did nothing.
func closeWithoutStop([]string) error {
	received, fence := make(chan os.Signal, 1), make(chan os.Signal, 1)
	signal.Notify(received, syscall.SIGUSR1)
	signal.Notify(fence, syscall.SIGUSR2)
	close(received)
	if err := raise(syscall.SIGUSR1); err != nil {
		return err
	}
	for i := 0; i < fences; i++ {
		if err := raise(syscall.SIGUSR2); err != nil {
			return err
		}
		<-fence
	}
	return nil
}

type filled struct {
	Room     int `json:"room"`
	Sent     int `json:"sent"`
	Received int `json:"received"`
	Missed   int `json:"missed"`
}

// A full channel holds nobody up: what finds no room is not kept.
func fullChannels() (any, error) {
	rooms := []int{0, 3, 10}
	var channels []chan os.Signal
	for _, room := range rooms {
		channels = append(channels, make(chan os.Signal, room))
		signal.Notify(channels[len(channels)-1], syscall.SIGUSR1)
	}
	witness := make(chan os.Signal, 1)
	signal.Notify(witness, syscall.SIGUSR1)
	const sent = 10
	for i := 0; i < sent; i++ {
		if err := raise(syscall.SIGUSR1); err != nil {
			return nil, err
		}
		<-witness
	}
	signal.Stop(witness)
	var records []filled
	// ANCHOR: full
	for nth, channel := range channels {
		// When Stop returns, nothing more is on its way to the channel.
		signal.Stop(channel)
		records = append(records, filled{rooms[nth], sent, len(channel), sent - len(channel)})
	}
	// ANCHOR_END: full
	return records, nil
}

type askedAgain struct {
	First    []int `json:"first"`
	Then     []int `json:"then"`
	Sent     int   `json:"sent"`
	Received bool  `json:"received"`
}

// Asked again with fewer signals, the channel still gets those of the first time.
func notifyAgain() (any, error) {
	received, witness := make(chan os.Signal, fences+1), make(chan os.Signal, 1)
	// ANCHOR: again
	signal.Notify(received, syscall.SIGHUP, syscall.SIGUSR2)
	signal.Notify(received, syscall.SIGHUP)
	signal.Notify(witness, syscall.SIGUSR2)
	if err := raise(syscall.SIGUSR2); err != nil {
		return nil, err
	}
	<-witness
	signal.Stop(received)
	signal.Stop(witness)
	// ANCHOR_END: again
	record := askedAgain{First: []int{1, 12}, Then: []int{1}, Sent: 12}
	record.Received = len(received) == 1 && <-received == syscall.SIGUSR2
	return record, nil
}

type channels struct {
	FirstAsksFor   []int `json:"first_asks_for"`
	SecondAsksFor  []int `json:"second_asks_for"`
	FirstReceived  []int `json:"first_received"`
	SecondReceived []int `json:"second_received"`
}

// Each channel gets what it has asked for.
func independent() (any, error) {
	first, second := make(chan os.Signal, 2), make(chan os.Signal, 2)
	signal.Notify(first, syscall.SIGUSR1, syscall.SIGUSR2)
	signal.Notify(second, syscall.SIGUSR2)
	record := channels{FirstAsksFor: []int{10, 12}, SecondAsksFor: []int{12}}
	for _, sent := range []syscall.Signal{syscall.SIGUSR1, syscall.SIGUSR2} {
		if err := raise(sent); err != nil {
			return nil, err
		}
		record.FirstReceived = append(record.FirstReceived, number(<-first))
	}
	record.SecondReceived = append(record.SecondReceived, number(<-second))
	return record, nil
}

func number(signal os.Signal) int {
	return int(signal.(syscall.Signal))
}

func raise(number syscall.Signal) error {
	return syscall.Kill(os.Getpid(), number)
}
