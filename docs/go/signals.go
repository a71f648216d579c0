package main

import (
	"os"
	"os/exec"
	"os/signal"
	"reflect"
	"regexp"
	"runtime"
	"sort"
	"strconv"
	"sync/atomic"
	"syscall"
)

// os.Signal is an interface, and syscall.Signal is a type of its own that fills it.
func signalTypes() {
	// ANCHOR: types
	methods := reflect.TypeOf((*os.Signal)(nil)).Elem()
	method, _ := methods.MethodByName("Signal")
	constant := reflect.TypeOf(syscall.SIGINT)
	record(
		"os_signal_has", methodsOf(methods),
		"signal_takes", method.Type.NumIn(), "signal_returns", method.Type.NumOut(),
		"constant_is", constant.String(), "made_of", constant.Kind().String(),
		"is_int", constant == reflect.TypeOf(0),
		"sigint", int(syscall.SIGINT), "sigint_string", syscall.SIGINT.String(),
	)
	// ANCHOR_END: types
}

func methodsOf(kind reflect.Type) (names []string) {
	for i := 0; i < kind.NumMethod(); i++ {
		names = append(names, kind.Method(i).Name)
	}
	return names
}

// The source of package syscall: constants of type Signal, and the array that String looks into.
func constants() {
	var more []string
	numbers := []int{}
	seen := map[int]bool{}
	declared := regexp.MustCompile(`(SIG\w+) += Signal\((\w+)\)`).FindAllStringSubmatch(goDoc("syscall.SIGHUP"), -1)
	for _, constant := range declared {
		number := int(must(strconv.ParseInt(constant[2], 0, 0)))
		if seen[number] {
			more = append(more, constant[1])
		} else {
			seen[number] = true
			numbers = append(numbers, number)
		}
	}
	sort.Ints(numbers)
	array := first(`(\w+)\[s\]`, goDoc("syscall.Signal.String"))
	texts := regexp.MustCompile(`(?m)^\t\d+: +"`).FindAllString(goDoc("syscall."+array), -1)
	record(
		"constants", len(declared), "numbers", numbers, "string_looks_into", array, "texts", len(texts),
		"string_of_40", syscall.Signal(40).String(), "second_names", more,
	)
}

// first is what the first match of an expression has in parentheses.
func first(expression, source string) string {
	if match := regexp.MustCompile(expression).FindStringSubmatch(source); match != nil {
		return match[1]
	}
	return ""
}

func notifyTypes() {
	channel := reflect.TypeOf(signal.Notify).In(0)
	received := make(chan os.Signal, 1)
	signal.Notify(received, syscall.SIGUSR1)
	defer signal.Stop(received)
	raise(syscall.SIGUSR1)
	value := reflect.TypeOf(<-received)
	sendsOnly := channel.ChanDir() == reflect.SendDir
	record("channel_is", channel.String(), "value_is", value.String(), "sends_only", sendsOnly)
}

func raise(signal syscall.Signal) {
	check(syscall.Kill(os.Getpid(), signal))
}

// Two signals, the higher number first: the channel keeps the order in which the runtime finds them.
func order() {
	var rounds, inOrder, reversed int
	received := make(chan os.Signal, 2)
	signal.Notify(received, syscall.SIGUSR1, syscall.SIGUSR2)
	defer signal.Stop(received)
	for ; rounds < 20_000 && (inOrder == 0 || reversed == 0); rounds++ {
		// ANCHOR: order
		raise(syscall.SIGUSR2)
		raise(syscall.SIGUSR1)
		if <-received == syscall.SIGUSR2 {
			inOrder++
		} else {
			reversed++
		}
		<-received
		// ANCHOR_END: order
	}
	record("sent", []int{12, 10}, "rounds", rounds, "came_as_sent", inOrder, "came_reversed", reversed)
}

// Go's scheduler interrupts a goroutine that does not pause by SIGURG, and a channel for all signals gets it.
func urgent() {
	received := make(chan os.Signal, 100)
	signal.Notify(received)
	defer signal.Stop(received)
	var done atomic.Bool
	defer done.Store(true)
	go func() {
		for !done.Load() {
		}
	}()
	until("SIGURG", func() bool {
		runtime.GC()
		return len(received) > 0 && <-received == syscall.SIGURG
	})
	record("asked_for", "all", "got_sigurg", true)
}

// A full channel holds nobody up: what finds no room is not kept.
func fullChannels() {
	const sent = 10
	var channels []chan os.Signal
	for _, room := range []int{0, 3, sent} {
		channel := make(chan os.Signal, room)
		signal.Notify(channel, syscall.SIGUSR1)
		channels = append(channels, channel)
	}
	witness := make(chan os.Signal, 1)
	signal.Notify(witness, syscall.SIGUSR1)
	for i := 0; i < sent; i++ {
		raise(syscall.SIGUSR1)
		<-witness
	}
	signal.Stop(witness)
	// ANCHOR: full
	for _, channel := range channels {
		// When Stop returns, nothing more is on its way to the channel.
		signal.Stop(channel)
		room, received := cap(channel), len(channel)
		record("room", room, "sent", sent, "received", received, "missed", sent-received)
	}
	// ANCHOR_END: full
}

// Asked again with fewer signals, the channel still gets those of the first time.
func notifyAgain() {
	received, witness := make(chan os.Signal, 1), make(chan os.Signal, 1)
	// ANCHOR: again
	signal.Notify(received, syscall.SIGHUP, syscall.SIGUSR2)
	signal.Notify(received, syscall.SIGHUP)
	signal.Notify(witness, syscall.SIGUSR2)
	raise(syscall.SIGUSR2)
	<-witness
	signal.Stop(received)
	signal.Stop(witness)
	// ANCHOR_END: again
	gotIt := len(received) > 0 && <-received == syscall.SIGUSR2
	record("first", []int{1, 12}, "then", []int{1}, "sent", 12, "received", gotIt)
}

// Each channel gets what it has asked for.
func independent() {
	first, second := make(chan os.Signal, 2), make(chan os.Signal, 2)
	signal.Notify(first, syscall.SIGUSR1, syscall.SIGUSR2)
	signal.Notify(second, syscall.SIGUSR2)
	raise(syscall.SIGUSR1)
	firstReceived := []any{<-first}
	raise(syscall.SIGUSR2)
	firstReceived = append(firstReceived, <-first)
	record(
		"first_asks_for", []int{10, 12}, "second_asks_for", []int{12},
		"first_received", firstReceived, "second_received", []any{<-second},
	)
}

// The source of os/signal: what leads from a channel to its set, and what Stop does with it.
func registry() {
	handlers := goDoc("os/signal.handlers")
	record(
		"field", first(`(\w+) +map\[`, handlers), "type", first(`\w+ +(map\[.*)`, handlers),
		"stop_deletes", first(`(delete\(.*\))`, goDoc("os/signal.Stop")),
	)
}

// FindProcess does not look: only the signal finds nobody there.
func processes() {
	nobody := exec.Command("true")
	check(nobody.Run())
	// ANCHOR: processes
	_, startErr := os.StartProcess("/nothing", []string{"nothing"}, &os.ProcAttr{})
	process, findErr := os.FindProcess(nobody.Process.Pid)
	signalErr := findErr
	if findErr == nil {
		signalErr = process.Signal(syscall.Signal(0))
	}
	// ANCHOR_END: processes
	record(
		"start_process_returns", returns(os.StartProcess), "find_process_returns", returns(os.FindProcess),
		"start_nothing", startErr, "find_nobody", findErr, "signal_nobody", signalErr,
		"start_fails", startErr != nil, "find_fails", findErr != nil, "signal_fails", signalErr != nil,
		"nobody", nobody.Process.Pid,
	)
}
