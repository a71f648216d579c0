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

// A program that says who it is, and then prints a line for each line that it reads.
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

type launched struct {
	RunName      string `json:"go_run_name"`
	BuildName    string `json:"go_build_name"`
	RunBytes     int    `json:"go_run_bytes"`
	BuildBytes   int    `json:"go_build_bytes"`
	SameContents bool   `json:"same_contents"`

	IsChild         bool `json:"is_its_child"`
	SameGroup       bool `json:"same_process_group"`
	Prints          bool `json:"prints"`
	PrintsInStop    bool `json:"prints_while_it_is_stopped"`
	PrintsAfterKill bool `json:"prints_after_it_was_killed"`
}

// who is what the program says of itself.
type who struct {
	Name  string `json:"name"`
	Bytes int    `json:"bytes"`
	Sum   string `json:"sum"`
	PID   int    `json:"pid"`
	PPID  int    `json:"ppid"`
	Group int    `json:"group"`
}

// A program that go run has started, beside the same that go build has made.
func goRun() (any, error) {
	folder, err := os.MkdirTemp("", "note")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	if err := os.WriteFile(filepath.Join(folder, "mysignal.go"), []byte(mysignal), 0o600); err != nil {
		return nil, err
	}
	if _, err := exec.LookPath("go"); err != nil {
		return nil, cannotShow(err.Error())
	}
	if err := golang(folder, "build", "mysignal.go").Run(); err != nil {
		return nil, err
	}
	built, err := talkTo(exec.Command(filepath.Join(folder, "mysignal")))
	if err != nil {
		return nil, err
	}
	built.input.Close()
	built.Wait()
	run, err := talkTo(golang(folder, "run", "mysignal.go"))
	if err != nil {
		return nil, err
	}
	defer run.input.Close()
	record := launched{
		RunName: run.who.Name, BuildName: built.who.Name, RunBytes: run.who.Bytes, BuildBytes: built.who.Bytes,
		SameContents: run.who.Sum == built.who.Sum,
		IsChild:      run.who.PPID == run.Process.Pid, SameGroup: run.who.Group == syscall.Getpgrp(),
	}
	record.Prints = run.ticks()
	run.Process.Signal(syscall.SIGSTOP)
	if err := until("go run is stopped", func() bool { return state(run.Process.Pid) == 'T' }); err != nil {
		return nil, err
	}
	record.PrintsInStop = run.ticks()
	run.Process.Kill()
	run.Process.Wait()
	record.PrintsAfterKill = run.ticks()
	return record, nil
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
