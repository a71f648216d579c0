package main

import (
	"bytes"
	"os"
	"os/exec"
	"os/signal"
	"reflect"
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
	{"go-run", goRun},
}

type signalType struct {
	Methods   []string `json:"os_signal_has"`
	Takes     int      `json:"signal_takes"`
	Returns   int      `json:"signal_returns"`
	Constant  string   `json:"constant_is"`
	Kind      string   `json:"made_of"`
	IsInt     bool     `json:"is_int"`
	AsANumber int      `json:"sigint"`
	AsText    string   `json:"sigint_string"`
}

// os.Signal is an interface, and syscall.Signal is a type of its own that fills it.
func signalTypes() (any, error) {
	kind := reflect.TypeOf((*os.Signal)(nil)).Elem()
	constant := reflect.TypeOf(syscall.SIGINT)
	record := signalType{
		Constant: constant.String(), Kind: constant.Kind().String(), IsInt: constant == reflect.TypeOf(0),
		AsANumber: int(syscall.SIGINT), AsText: syscall.SIGINT.String(),
	}
	for i := 0; i < kind.NumMethod(); i++ {
		record.Methods = append(record.Methods, kind.Method(i).Name)
	}
	if method, found := kind.MethodByName("Signal"); found {
		record.Takes, record.Returns = method.Type.NumIn(), method.Type.NumOut()
	}
	return record, nil
}

type notified struct {
	ChannelIs string `json:"channel_is"`
	ValueIs   string `json:"value_is"`
	SendsOnly bool   `json:"sends_only"`
}

func notifyTypes() (any, error) {
	channel := reflect.TypeOf(signal.Notify).In(0)
	received := make(chan os.Signal, 1)
	signal.Notify(received, syscall.SIGUSR1)
	defer signal.Stop(received)
	if err := raise(syscall.SIGUSR1); err != nil {
		return nil, err
	}
	value := reflect.TypeOf(<-received).String()
	return notified{channel.String(), value, channel.ChanDir() == reflect.SendDir}, nil
}

func raise(number syscall.Signal) error {
	return syscall.Kill(os.Getpid(), number)
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
	go func() {
		count := 0
		for range received {
			count++
			signal.Stop(received)
			close(received)
		}
		ended <- count
	}()
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
	for nth, channel := range channels {
		// When Stop returns, nothing more is on its way to the channel.
		signal.Stop(channel)
		records = append(records, filled{rooms[nth], sent, len(channel), sent - len(channel)})
	}
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
	signal.Notify(received, syscall.SIGHUP, syscall.SIGUSR2)
	signal.Notify(received, syscall.SIGHUP)
	signal.Notify(witness, syscall.SIGUSR2)
	if err := raise(syscall.SIGUSR2); err != nil {
		return nil, err
	}
	<-witness
	signal.Stop(received)
	signal.Stop(witness)
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

type processTypes struct {
	StartProcess  []string `json:"start_process_returns"`
	FindProcess   []string `json:"find_process_returns"`
	StartNothing  string   `json:"start_nothing"`
	FindNobody    string   `json:"find_nobody"`
	SignalNobody  string   `json:"signal_nobody"`
	StartFails    bool     `json:"start_fails"`
	FindFails     bool     `json:"find_fails"`
	SignalFails   bool     `json:"signal_fails"`
	NobodysNumber int      `json:"nobody"`
}

// FindProcess does not look: only the signal finds nobody there.
func processes() (any, error) {
	nobody := exec.Command("true")
	if err := nobody.Run(); err != nil {
		return nil, err
	}
	record := processTypes{NobodysNumber: nobody.Process.Pid}
	record.StartProcess, record.FindProcess = returns(os.StartProcess), returns(os.FindProcess)
	_, startErr := os.StartProcess("/nothing", []string{"nothing"}, &os.ProcAttr{})
	process, findErr := os.FindProcess(record.NobodysNumber)
	if findErr == nil {
		err := process.Signal(syscall.Signal(0))
		record.SignalNobody, record.SignalFails = said(err), err != nil
	}
	record.StartNothing, record.FindNobody = said(startErr), said(findErr)
	record.StartFails, record.FindFails = startErr != nil, findErr != nil
	return record, nil
}

func returns(function any) (types []string) {
	kind := reflect.TypeOf(function)
	for i := 0; i < kind.NumOut(); i++ {
		types = append(types, kind.Out(i).String())
	}
	return types
}
