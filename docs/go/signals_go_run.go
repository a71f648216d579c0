package main

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// A program for go run and go build: it says who it is, and then prints a line for each line that it reads.
const mysignal = `package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

func main() {
	path, _ := os.Executable()
	contents, _ := os.ReadFile(path)
	json.NewEncoder(os.Stdout).Encode(map[string]any{
		"name": filepath.Base(path), "bytes": len(contents), "sum": fmt.Sprintf("%x", sha256.Sum256(contents)),
		"pid": os.Getpid(), "ppid": os.Getppid(), "group": syscall.Getpgrp(),
	})
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		fmt.Println("tick")
	}
}
`

// who is what the program says of itself.
type who struct {
	Name  string `json:"name"`
	Bytes int    `json:"bytes"`
	Sum   string `json:"sum"`
	PID   int    `json:"pid"`
	PPID  int    `json:"ppid"`
	Group int    `json:"group"`
}

type builds struct {
	RunName      string `json:"go_run_name"`
	BuildName    string `json:"go_build_name"`
	RunBytes     int    `json:"go_run_bytes"`
	BuildBytes   int    `json:"go_build_bytes"`
	SameContents bool   `json:"same_contents"`
}

// The file that go run makes, beside that of go build.
func goRunBuilds() (any, error) {
	record := builds{}
	return withGoRun(&record, func(folder string, run *talker) error {
		if err := golang(folder, "build", "mysignal.go").Run(); err != nil {
			return err
		}
		built, err := talkTo(exec.Command(filepath.Join(folder, "mysignal")))
		if err != nil {
			return err
		}
		built.input.Close()
		record = builds{run.who.Name, built.who.Name, run.who.Bytes, built.who.Bytes, run.who.Sum == built.who.Sum}
		return built.Wait()
	})
}

type family struct {
	Launcher int  `json:"go_run"`
	Parent   int  `json:"parent_of_the_program"`
	Group    int  `json:"process_group"`
	IsShared bool `json:"same_process_group"`
}

// The program's parent, and its process group.
func goRunFamily() (any, error) {
	record := family{}
	return withGoRun(&record, func(_ string, run *talker) error {
		group, err := syscall.Getpgid(run.Process.Pid)
		record = family{run.Process.Pid, run.who.PPID, run.who.Group, run.who.Group == group}
		return err
	})
}

type output struct {
	Prints    bool `json:"prints"`
	InStop    bool `json:"prints_while_go_run_is_stopped"`
	AfterKill bool `json:"prints_after_go_run_was_killed"`
}

// Whether the program is heard without its launcher: its stdout is the one that go run has.
func goRunOutput() (any, error) {
	record := output{}
	return withGoRun(&record, func(_ string, run *talker) error {
		// ANCHOR: output
		record.Prints = run.ticks()
		run.Process.Signal(syscall.SIGSTOP)
		isStopped := func() bool { return state(run.Process.Pid) == 'T' }
		if err := until("go run is stopped", isStopped); err != nil {
			return err
		}
		record.InStop = run.ticks()
		run.Process.Kill()
		run.Process.Wait()
		record.AfterKill = run.ticks()
		// ANCHOR_END: output
		return nil
	})
}

// withGoRun lets show look at a program that go run has started, and ends both.
func withGoRun[T any](record *T, show func(folder string, run *talker) error) (any, error) {
	if _, err := exec.LookPath("go"); err != nil {
		return nil, cannotShow(err.Error())
	}
	folder, err := os.MkdirTemp("", "note")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	if err := os.WriteFile(filepath.Join(folder, "mysignal.go"), []byte(mysignal), 0o600); err != nil {
		return nil, err
	}
	run, err := talkTo(golang(folder, "run", "mysignal.go"))
	if err != nil {
		return nil, err
	}
	err = show(folder, run)
	run.input.Close()
	run.Wait()
	return *record, err
}

type talker struct {
	*exec.Cmd
	input  io.WriteCloser
	output chan string
	who    who
}

func talkTo(cmd *exec.Cmd) (*talker, error) {
	cmd.Stderr = os.Stderr
	stdout, input, err := pipesTo(cmd)
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	talker := &talker{Cmd: cmd, input: input, output: make(chan string)}
	lines := bufio.NewReader(stdout)
	first, err := lines.ReadBytes('\n')
	if err != nil {
		return nil, err
	}
	go func() {
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				return
			}
			talker.output <- line
		}
	}()
	return talker, json.Unmarshal(first, &talker.who)
}

// ticks has the program print a line: one that has not come in time does not come.
func (talker *talker) ticks() bool {
	if _, err := io.WriteString(talker.input, "tick\n"); err != nil {
		return false
	}
	select {
	case line := <-talker.output:
		return line == "tick\n"
	case <-time.After(patience):
		return false
	}
}
