package main

import (
	"os"
	"os/exec"
	"os/signal"
	"reflect"
	"syscall"
)

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
	// ANCHOR: types
	kind := reflect.TypeOf((*os.Signal)(nil)).Elem()
	constant := reflect.TypeOf(syscall.SIGINT)
	record := signalType{
		Constant: constant.String(), Kind: constant.Kind().String(),
		IsInt:     constant == reflect.TypeOf(0),
		AsANumber: int(syscall.SIGINT), AsText: syscall.SIGINT.String(),
	}
	// ANCHOR_END: types
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
	// ANCHOR: processes
	_, startErr := os.StartProcess("/nothing", []string{"nothing"}, &os.ProcAttr{})
	process, findErr := os.FindProcess(record.NobodysNumber)
	if findErr == nil {
		err := process.Signal(syscall.Signal(0))
		record.SignalNobody, record.SignalFails = said(err), err != nil
	}
	// ANCHOR_END: processes
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
