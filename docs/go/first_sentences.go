package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

var firstSentences = []step{{"ipc", ipc}}

// A kind of IPC, and whether it carried something from one process, or one open file, to another.
type kind struct {
	Kind      string `json:"kind"`
	InTheNote bool   `json:"in_the_note"`
	Works     bool   `json:"works"`
}

func ipc() (any, error) {
	kinds := []struct {
		name      string
		inTheNote bool
		try       func() (bool, error)
	}{
		{"pipe", true, throughPipe},
		{"signal", true, bySignal},
		{"socket", true, throughSocket},
		{"shared memory", false, throughMapping},
		{"System V shared memory", false, bySegment},
		{"file lock", false, byLock},
	}
	var records []kind
	for _, kind_ := range kinds {
		works, err := kind_.try()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", kind_.name, err)
		}
		records = append(records, kind{kind_.name, kind_.inTheNote, works})
	}
	return records, nil
}

func throughPipe() (bool, error) {
	// ANCHOR: pipe
	output, err := exec.Command("echo", "-n", "pipe").Output()
	return string(output) == "pipe", err
	// ANCHOR_END: pipe
}

func bySignal() (bool, error) {
	received := make(chan os.Signal, 1)
	signal.Notify(received, syscall.SIGUSR1)
	defer signal.Stop(received)
	if err := exec.Command("kill", "-USR1", fmt.Sprint(os.Getpid())).Run(); err != nil {
		return false, err
	}
	return <-received == syscall.SIGUSR1, nil
}

func throughSocket() (bool, error) {
	client, server, err := connection()
	if err != nil {
		return false, err
	}
	defer client.Close()
	defer server.Close()
	if _, err := client.Write([]byte("socket")); err != nil {
		return false, err
	}
	got := make([]byte, 10)
	n, err := server.Read(got)
	return string(got[:n]) == "socket", err
}

// Two processes map one file: what the child writes the parent reads.
func throughMapping() (bool, error) {
	file, err := os.CreateTemp("", "note")
	if err != nil {
		return false, err
	}
	defer file.Close()
	if err := os.Remove(file.Name()); err != nil {
		return false, err
	}
	if err := file.Truncate(1); err != nil {
		return false, err
	}
	memory, err := mapping(file)
	if err != nil {
		return false, err
	}
	child := self("map")
	child.ExtraFiles = []*os.File{file}
	err = child.Run()
	return memory[0] == 'C', err
}

func mapping(file *os.File) ([]byte, error) {
	// ANCHOR: mapping
	const access = syscall.PROT_READ | syscall.PROT_WRITE
	return syscall.Mmap(int(file.Fd()), 0, 1, access, syscall.MAP_SHARED)
	// ANCHOR_END: mapping
}

// As the child of throughMapping.
func writeMapped([]string) error {
	memory, err := mapping(os.NewFile(3, "shared"))
	if err != nil {
		return err
	}
	memory[0] = 'C'
	return nil
}

// The syscall package has no function for it, but its number.
func bySegment() (bool, error) {
	// ANCHOR: segment
	const private, create, remove = 0, 0o1600, 0
	id, _, errno := syscall.Syscall(syscall.SYS_SHMGET, private, 4096, create)
	if errno != 0 {
		return false, nil
	}
	_, _, errno = syscall.Syscall(syscall.SYS_SHMCTL, id, remove, 0)
	return errno == 0, nil
	// ANCHOR_END: segment
}

// Who holds the lock keeps out another open file.
func byLock() (bool, error) {
	file, err := os.CreateTemp("", "note")
	if err != nil {
		return false, err
	}
	defer os.Remove(file.Name())
	defer file.Close()
	other, err := os.Open(file.Name())
	if err != nil {
		return false, err
	}
	defer other.Close()
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
		return false, err
	}
	err = syscall.Flock(int(other.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	return err == syscall.EWOULDBLOCK, nil
}

// connection is two ends of a TCP connection.
func connection() (client, server net.Conn, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	defer listener.Close()
	client, err = net.Dial("tcp", listener.Addr().String())
	if err != nil {
		return nil, nil, err
	}
	server, err = listener.Accept()
	return client, server, err
}
