package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// fences is how many later signals a program handles before it is said that an earlier one did nothing.
const fences = 10

// In a child, main runs on the first thread, to which the kernel gives a signal for the process: where a child sends
// itself one, it has been handled when kill returns.
func init() {
	if os.Getenv(roleVariable) != "" {
		runtime.LockOSThread()
	}
}

// What becomes of a program of Go at each signal, by numbers, after it has asked for one, all or none.
func fates(asked string) func() {
	return func() {
		numbers := map[string][]int{"delivered": {}, "killed": {}, "stopped": {}, "dumped": {}, "nothing": {}}
		for number := 1; number <= 64; number++ {
			fate := fateOf(asked, number)
			numbers[fate] = append(numbers[fate], number)
		}
		record(
			"asked_for", asked, "delivered", numbers["delivered"], "killed", numbers["killed"],
			"stopped", numbers["stopped"], "printed_its_goroutines", numbers["dumped"], "nothing", numbers["nothing"],
		)
	}
}

// fateOf starts a child that sends the signal to itself, and sees it end or stop.
func fateOf(asked string, number int) string {
	child := self("take-signal", asked, strconv.Itoa(number))
	child.Stderr = nil
	stdout := must(child.StdoutPipe())
	check(child.Start())
	defer child.Wait()
	var end syscall.WaitStatus
	must(syscall.Wait4(child.Process.Pid, &end, syscall.WUNTRACED, nil))
	switch {
	case end.Stopped():
		child.Process.Kill()
		return "stopped"
	case end.Signaled():
		return "killed"
	case end.ExitStatus() == 2:
		return "dumped"
	case end.ExitStatus() != 0:
		check(fmt.Errorf("signal %d: the child ends with %d", number, end.ExitStatus()))
	}
	return string(must(io.ReadAll(stdout)))
}

// As the child of fateOf.
func takeSignal(arguments []string) {
	number := syscall.Signal(must(strconv.Atoi(arguments[1])))
	received := make(chan os.Signal, 100)
	switch arguments[0] {
	case "one":
		signal.Notify(received, number)
	case "all":
		signal.Notify(received)
	}
	fence := syscall.SIGUSR1
	if number == fence {
		fence = syscall.SIGUSR2
	}
	fenced := make(chan os.Signal, 1)
	signal.Notify(fenced, fence)
	raise(number)
	for i := 0; i < fences; i++ {
		raise(fence)
		<-fenced
		for len(received) > 0 {
			if <-received == number {
				fmt.Print("delivered")
				return
			}
		}
	}
	fmt.Print("nothing")
}

// The loop ends with its channel. Closed without Stop, the channel ends the program at the next signal.
func closeChannel() {
	received := make(chan os.Signal, 1)
	signal.Notify(received, syscall.SIGUSR1)
	raise(syscall.SIGUSR1)
	ended := make(chan int, 1)
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
	until("the loop has ended", func() bool { return len(ended) > 0 })
	var stderr bytes.Buffer
	child := self("close-without-stop")
	child.Stderr = &stderr
	child.Run()
	exit := child.ProcessState.ExitCode()
	says, _, _ := strings.Cut(stderr.String(), "\n")
	record(
		"loop_ended", true, "received", <-ended, "exit_after_the_next_signal", exit,
		"says", says, "panicked", strings.HasPrefix(says, "panic: ") && exit == 2,
	)
}

// As the child of closeChannel: ends with 0 only if the signal did nothing.
func closeWithoutStop([]string) {
	received, fence := make(chan os.Signal, 1), make(chan os.Signal, 1)
	signal.Notify(received, syscall.SIGUSR1)
	signal.Notify(fence, syscall.SIGUSR2)
	close(received)
	raise(syscall.SIGUSR1)
	for i := 0; i < fences; i++ {
		raise(syscall.SIGUSR2)
		<-fence
	}
}

// A program for go run and go build: it says who it is, and then prints what it reads.
const mysignal = `package main

import (
	"fmt"
	"io"
	"os"
)

func main() {
	fmt.Println(os.Getpid())
	io.Copy(os.Stdout, os.Stdin)
}
`

type program struct {
	cmd    *exec.Cmd
	input  io.WriteCloser
	output *os.File
	pid    int
}

// talkTo starts mysignal, or go run, which starts it.
func talkTo(cmd *exec.Cmd) *program {
	cmd.Stderr = os.Stderr
	p := &program{cmd: cmd, input: must(cmd.StdinPipe()), output: must(cmd.StdoutPipe()).(*os.File)}
	check(cmd.Start())
	must(fmt.Fscanln(p.output, &p.pid))
	return p
}

// ticks has the program print a line: one that has not come in time does not come.
func (p *program) ticks() bool {
	io.WriteString(p.input, "tick\n")
	check(p.output.SetReadDeadline(time.Now().Add(patience)))
	var line string
	fmt.Fscanln(p.output, &line)
	return line == "tick"
}

// file is the program's own, by name and contents.
func (p *program) file() (name string, contents []byte) {
	path := fmt.Sprintf("/proc/%d/exe", p.pid)
	return filepath.Base(must(os.Readlink(path))), must(os.ReadFile(path))
}

// withGoRun lets show look at a program that go run has started, and ends both.
func withGoRun(show func(run *program)) {
	folder := must(os.MkdirTemp("", "note"))
	defer os.RemoveAll(folder)
	check(os.WriteFile(filepath.Join(folder, "mysignal.go"), []byte(mysignal), 0o600))
	run := talkTo(golang(folder, "run", "mysignal.go"))
	defer run.cmd.Wait()
	defer run.input.Close()
	show(run)
}

// The file that go run makes, beside that of go build.
func goRunBuilds() {
	withGoRun(func(run *program) {
		folder := run.cmd.Dir
		check(golang(folder, "build", "mysignal.go").Run())
		built := talkTo(mortal(filepath.Join(folder, "mysignal")))
		defer built.cmd.Wait()
		defer built.input.Close()
		runName, runFile := run.file()
		builtName, builtFile := built.file()
		record(
			"go_run_name", runName, "go_build_name", builtName,
			"go_run_bytes", len(runFile), "go_build_bytes", len(builtFile),
			"same_contents", bytes.Equal(runFile, builtFile),
		)
	})
}

// The program's parent, and its process group.
func goRunFamily() {
	withGoRun(func(run *program) {
		launcher, group := run.cmd.Process.Pid, must(syscall.Getpgid(run.pid))
		record(
			"go_run", launcher, "parent_of_the_program", parentOf(run.pid),
			"process_group", group, "same_process_group", group == must(syscall.Getpgid(launcher)),
		)
	})
}

// Whether the program is heard without its launcher: its stdout is the one that go run has.
func goRunOutput() {
	withGoRun(func(run *program) {
		// ANCHOR: output
		goRun := run.cmd.Process
		prints := run.ticks()
		goRun.Signal(syscall.SIGSTOP)
		until("go run is stopped", func() bool { return status(goRun.Pid, "State") == "T" })
		inStop := run.ticks()
		goRun.Kill()
		goRun.Wait()
		afterKill := run.ticks()
		// ANCHOR_END: output
		record("prints", prints, "prints_while_go_run_is_stopped", inStop, "prints_after_go_run_was_killed", afterKill)
	})
}
