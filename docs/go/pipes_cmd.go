package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"reflect"
	"syscall"
)

type started struct {
	AfterStart  string `json:"stdout_pipe_after_start"`
	BeforeStart string `json:"stdout_pipe_before_start"`
	Refused     bool   `json:"refused"`
	Output      string `json:"output"`
}

// StdoutPipe in the order of the note's text, and in that of its listing.
func startFirst() (any, error) {
	record := started{}
	late := exec.Command("true")
	if err := late.Start(); err != nil {
		return nil, err
	}
	_, err := late.StdoutPipe()
	record.AfterStart, record.Refused = said(err), err != nil
	if err := late.Wait(); err != nil {
		return nil, err
	}
	// ANCHOR: first
	cmd := exec.Command("echo", "-n", "command from golang.")
	stdout, err := cmd.StdoutPipe()
	record.BeforeStart = said(err)
	if err != nil {
		return record, nil
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	output, err := io.ReadAll(stdout)
	// ANCHOR_END: first
	record.Output = string(output)
	if err != nil {
		return nil, err
	}
	return record, cmd.Wait()
}

type pipeType struct {
	StdoutPipe string `json:"stdout_pipe"`
	StdinPipe  string `json:"stdin_pipe"`
}

func pipeTypes() (any, error) {
	returns := func(method any) string { return reflect.TypeOf(method).Out(0).String() }
	return pipeType{returns((*exec.Cmd).StdoutPipe), returns((*exec.Cmd).StdinPipe)}, nil
}

type waited struct {
	Stdout        string `json:"stdout"`
	Returned      bool   `json:"returned_while_a_grandchild_has_it"`
	Output        string `json:"output"`
	ReadAfterWait string `json:"read_after_wait,omitempty"`
}

// A shell ends, but not what it has started in the background, which has its stdout too.
func wait() (any, error) {
	buffer, err := waitForBuffer()
	if err != nil {
		return nil, err
	}
	pipe, err := waitForPipe()
	return []waited{buffer, pipe}, err
}

// leaver prints, leaves a grandchild that prints when it is let, and ends.
func leaver() (cmd *exec.Cmd, let *os.File, err error) {
	held, let, err := os.Pipe()
	cmd = exec.Command("sh", "-c", "printf 'early '; { (read go <&3; printf late) & } 3<&0")
	cmd.Stdin = held
	return cmd, let, err
}

// Wait waits for the end of the output.
func waitForBuffer() (waited, error) {
	cmd, let, err := leaver()
	if err != nil {
		return waited{}, err
	}
	var buffer bytes.Buffer
	cmd.Stdout = &buffer
	if err := cmd.Start(); err != nil {
		return waited{}, err
	}
	done := make(chan error)
	go func() { done <- cmd.Wait() }()
	// Wait reaps the shell first, and then waits for its output.
	if err := until("the shell has ended", func() bool { return state(cmd.Process.Pid) == 0 }); err != nil {
		return waited{}, err
	}
	record := waited{Stdout: "bytes.Buffer"}
	select {
	case err = <-done:
		record.Returned = true
		let.Close()
	default:
		let.Close()
		err = <-done
	}
	record.Output = buffer.String()
	return record, err
}

// Wait closes the pipe, with what is in it.
func waitForPipe() (waited, error) {
	cmd, let, err := leaver()
	if err != nil {
		return waited{}, err
	}
	defer let.Close()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return waited{}, err
	}
	if err := cmd.Start(); err != nil {
		return waited{}, err
	}
	if err := cmd.Wait(); err != nil {
		return waited{}, err
	}
	output, err := io.ReadAll(stdout)
	return waited{"StdoutPipe", true, string(output), said(err)}, nil
}

type sources struct {
	OsPipe     []string `json:"os_pipe"`
	StdoutPipe string   `json:"stdout_pipe"`
	StdinPipe  string   `json:"stdin_pipe"`
	KernelPipe bool     `json:"both_are_pipes_of_the_kernel"`
}

// os.Pipe names its files; what exec.Cmd returns has their names.
func pipesOf() (any, error) {
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	defer writer.Close()
	cmd := exec.Command("cat")
	stdout, stdin, err := pipesTo(cmd)
	if err != nil {
		return nil, err
	}
	defer stdout.Close()
	defer stdin.Close()
	record := sources{OsPipe: []string{reader.Name(), writer.Name()}}
	record.StdoutPipe, record.StdinPipe = nameOf(stdout), nameOf(stdin)
	record.KernelPipe = inode(stdout) != 0 && inode(stdin) != 0
	return record, nil
}

func pipesTo(cmd *exec.Cmd) (io.ReadCloser, io.WriteCloser, error) {
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	stdin, err := cmd.StdinPipe()
	return stdout, stdin, err
}

func nameOf(end any) string {
	if named, ok := end.(interface{ Name() string }); ok {
		return named.Name()
	}
	return fmt.Sprintf("%T", end)
}

// inode is the number of the pipe behind one of its ends, or 0.
func inode(end any) (number uint64) {
	file, ok := end.(syscall.Conn)
	if !ok {
		return 0
	}
	raw, err := file.SyscallConn()
	if err != nil {
		return 0
	}
	raw.Control(func(fd uintptr) { number = pipeOf(fmt.Sprint(fd)) })
	return number
}

func pipeOf(fd string) (number uint64) {
	link, err := os.Readlink("/proc/self/fd/" + fd)
	if err != nil {
		return 0
	}
	fmt.Sscanf(link, "pipe:[%d]", &number)
	return number
}

// openEnds counts our descriptors of these pipes.
func openEnds(pipes ...uint64) (count int) {
	folder, err := os.Open("/proc/self/fd")
	if err != nil {
		return 0
	}
	defer folder.Close()
	names, _ := folder.Readdirnames(0)
	for _, name := range names {
		for _, pipe := range pipes {
			if pipeOf(name) == pipe {
				count++
			}
		}
	}
	return count
}

type endsOpen struct {
	BeforeStart    int    `json:"ends_before_start"`
	AfterStart     int    `json:"ends_after_start"`
	AfterWait      int    `json:"ends_after_wait"`
	WriteAfterWait string `json:"write_after_wait"`
	ReadAfterWait  string `json:"read_after_wait"`
	BothClosed     bool   `json:"both_closed"`
}

// Of two pipes to a command this process has four ends, then its own two, then none.
func ends() (any, error) {
	cmd := exec.Command("true")
	stdout, stdin, err := pipesTo(cmd)
	if err != nil {
		return nil, err
	}
	pipes := []uint64{inode(stdout), inode(stdin)}
	// ANCHOR: ends
	record := endsOpen{BeforeStart: openEnds(pipes...)}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	record.AfterStart = openEnds(pipes...)
	if err := cmd.Wait(); err != nil {
		return nil, err
	}
	record.AfterWait = openEnds(pipes...)
	// ANCHOR_END: ends
	_, readErr := stdout.Read(make([]byte, 1))
	_, writeErr := stdin.Write([]byte("x"))
	record.ReadAfterWait, record.WriteAfterWait = said(readErr), said(writeErr)
	record.BothClosed = errors.Is(readErr, os.ErrClosed) && errors.Is(writeErr, os.ErrClosed)
	return record, nil
}
