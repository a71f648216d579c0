package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// Go has no fork of its own: a child is always another program, started by fork and exec in one.
var forkSteps = []step{{"children", children}, {"exec", execKeepsThePID}, {"orphan", orphan}}

type forked struct {
	Forks       int `json:"forks"`
	Alive       int `json:"alive_at_one_time"`
	WithOurPPID int `json:"with_our_pid_as_ppid"`
}

func children() (any, error) {
	record := forked{Forks: 20}
	var started []*exec.Cmd
	// ANCHOR: children
	for i := 0; i < record.Forks; i++ {
		cat := exec.Command("cat")
		if _, err := cat.StdinPipe(); err != nil {
			return nil, err
		}
		if err := cat.Start(); err != nil {
			return nil, err
		}
		started = append(started, cat)
	}
	// ANCHOR_END: children
	for _, cat := range started {
		if state(cat.Process.Pid) != 0 {
			record.Alive++
		}
		if parentOf(cat.Process.Pid) == os.Getpid() {
			record.WithOurPPID++
		}
	}
	for _, cat := range started {
		if err := cat.Process.Kill(); err != nil {
			return nil, err
		}
		cat.Wait()
	}
	return record, nil
}

func parentOf(pid int) (ppid int) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(status), "PPid:")
	fmt.Sscan(rest, &ppid)
	return ppid
}

type replaced struct {
	PID          int `json:"forked_pid"`
	PIDAfterExec int `json:"pid_after_exec"`
}

// The shell becomes another program, and its PID stays.
func execKeepsThePID() (any, error) {
	// ANCHOR: exec
	shell := exec.Command("sh", "-c", `exec sh -c 'echo $$'`)
	output, err := shell.Output()
	if err != nil {
		return nil, err
	}
	record := replaced{PID: shell.Process.Pid}
	_, err = fmt.Sscan(string(output), &record.PIDAfterExec)
	// ANCHOR_END: exec
	return record, err
}

type adopted struct {
	PID        int `json:"pid"`
	PPIDBefore int `json:"ppid_before"`
	PPIDAfter  int `json:"ppid_after"`
}

// A child starts a grandchild and ends; the grandchild says who its parent is before and after.
func orphan() (any, error) {
	wait, let, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	output, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	child := self("orphan")
	child.ExtraFiles, child.Stdout = []*os.File{wait}, write
	stdin, err := child.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := child.Start(); err != nil {
		return nil, err
	}
	lines, record := bufio.NewReader(output), adopted{}
	if _, err := fmt.Fscanln(lines, &record.PID, &record.PPIDBefore); err != nil {
		return nil, err
	}
	// ANCHOR: orphan
	stdin.Close()
	if err := child.Wait(); err != nil {
		return nil, err
	}
	let.Close()
	_, err = fmt.Fscanln(lines, &record.PID, &record.PPIDAfter)
	// ANCHOR_END: orphan
	return record, err
}

// As the child of orphan, which ends with its stdin, and as the grandchild.
func beOrphaned(arguments []string) error {
	wait := os.NewFile(3, "wait")
	if len(arguments) == 0 {
		grandchild := self("orphan", "grandchild")
		grandchild.SysProcAttr = nil
		grandchild.ExtraFiles, grandchild.Stdout = []*os.File{wait}, os.Stdout
		if err := grandchild.Start(); err != nil {
			return err
		}
		os.Stdin.Read(make([]byte, 1))
		return nil
	}
	fmt.Println(os.Getpid(), os.Getppid())
	wait.Read(make([]byte, 1))
	fmt.Println(os.Getpid(), os.Getppid())
	return nil
}
