package main

import (
	"bufio"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

// What becomes of a process of Go at each signal, by numbers.
type fate struct {
	AskedFor  string `json:"asked_for"`
	Delivered []int  `json:"delivered"`
	Killed    []int  `json:"killed"`
	Stopped   []int  `json:"stopped"`
	Dumped    []int  `json:"printed_its_goroutines"`
	Nothing   []int  `json:"nothing"`
}

// fences is how many later signals a program handles before it is said that an earlier one did nothing.
const fences = 10

func fates(asked string) (any, error) {
	record := fate{asked, []int{}, []int{}, []int{}, []int{}, []int{}}
	for number := 1; number <= 64; number++ {
		end, err := fateOf(asked, number)
		if err != nil {
			return nil, fmt.Errorf("signal %d: %w", number, err)
		}
		list := map[string]*[]int{
			"delivered": &record.Delivered, "killed": &record.Killed, "stopped": &record.Stopped,
			"dumped": &record.Dumped, "nothing": &record.Nothing,
		}[end]
		*list = append(*list, number)
	}
	return record, nil
}

// A child that has asked for the signal alone, for all, or for none gets it; then it says so, does nothing, or cannot.
func fateOf(asked string, number int) (string, error) {
	child := self("wait-for-signal", asked, strconv.Itoa(number))
	child.Stderr = nil
	stdout, err := child.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := child.Start(); err != nil {
		return "", err
	}
	says, ended := make(chan string), make(chan *os.ProcessState, 1)
	go func() {
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			says <- lines.Text()
		}
		end, _ := child.Process.Wait()
		ended <- end
		close(says)
	}()
	defer func() {
		child.Process.Kill()
		for range says {
		}
	}()
	if <-says != "ready" {
		return "", fmt.Errorf("the child does not begin")
	}
	if err := child.Process.Signal(syscall.Signal(number)); err != nil {
		return "", err
	}
	return endOf(child.Process, fenceFor(number), says, ended)
}

// endOf has the child handle other signals, and hears from it, or sees it stopped or ended.
func endOf(child *os.Process, fence os.Signal, says chan string, ended chan *os.ProcessState) (string, error) {
	for i := 0; i < fences; {
		child.Signal(fence)
		select {
		case line, open := <-says:
			if !open {
				return wayOf(<-ended)
			}
			if line == "delivered" {
				return line, nil
			}
			i++
		case <-time.After(time.Millisecond):
			if state(child.Pid) == 'T' {
				return "stopped", nil
			}
		}
	}
	return "nothing", nil
}

func wayOf(end *os.ProcessState) (string, error) {
	switch status := end.Sys().(syscall.WaitStatus); {
	case status.Signaled():
		return "killed", nil
	case status.ExitStatus() == 2:
		return "dumped", nil
	}
	return "", fmt.Errorf("the child ends with %v", end)
}

func fenceFor(number int) syscall.Signal {
	if number == int(syscall.SIGUSR1) {
		return syscall.SIGUSR2
	}
	return syscall.SIGUSR1
}

// As the child of fateOf.
func waitForSignal(arguments []string) error {
	number, err := strconv.Atoi(arguments[1])
	if err != nil {
		return err
	}
	fence, received := make(chan os.Signal, 1), make(chan os.Signal, 100)
	signal.Notify(fence, fenceFor(number))
	switch arguments[0] {
	case "one":
		signal.Notify(received, syscall.Signal(number))
	case "all":
		signal.Notify(received)
	}
	fmt.Println("ready")
	for {
		select {
		case got := <-received:
			if got == syscall.Signal(number) {
				fmt.Println("delivered")
			}
		case <-fence:
			fmt.Println("fence")
		}
	}
}
