package main

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

// Each kind of IPC, and whether it carried something from one process, or one open file, to another.
func ipc() {
	for _, kind := range []struct {
		name      string
		inTheNote bool
		try       func() bool
	}{
		{"pipe", true, throughPipe},
		{"signal", true, bySignal},
		{"socket", true, throughSocket},
		{"shared memory", false, throughMapping},
		{"System V shared memory", false, bySegment},
		{"file lock", false, byLock},
	} {
		record("kind", kind.name, "in_the_note", kind.inTheNote, "works", kind.try())
	}
}

func throughPipe() bool {
	// ANCHOR: pipe
	output := must(exec.Command("echo", "-n", "pipe").Output())
	return string(output) == "pipe"
	// ANCHOR_END: pipe
}

func bySignal() bool {
	received := make(chan os.Signal, 1)
	signal.Notify(received, syscall.SIGUSR1)
	defer signal.Stop(received)
	check(exec.Command("kill", "-USR1", fmt.Sprint(os.Getpid())).Run())
	return <-received == syscall.SIGUSR1
}

func throughSocket() bool {
	client, server := connection()
	defer client.Close()
	defer server.Close()
	must(client.Write([]byte("socket")))
	got := make([]byte, 10)
	n := must(server.Read(got))
	return string(got[:n]) == "socket"
}

// Two processes map one file: what the child writes the parent reads.
func throughMapping() bool {
	file := temporary()
	defer file.Close()
	check(file.Truncate(1))
	memory := mapping(file)
	child := self("map")
	child.ExtraFiles = []*os.File{file}
	check(child.Run())
	return memory[0] == 'C'
}

// temporary is a file that has no name any more.
func temporary() *os.File {
	file := must(os.CreateTemp("", "note"))
	check(os.Remove(file.Name()))
	return file
}

func mapping(file *os.File) []byte {
	// ANCHOR: mapping
	const access = syscall.PROT_READ | syscall.PROT_WRITE
	return must(syscall.Mmap(int(file.Fd()), 0, 1, access, syscall.MAP_SHARED))
	// ANCHOR_END: mapping
}

// As the child of throughMapping.
func writeMapped([]string) {
	// ExtraFiles begin at 3.
	mapping(os.NewFile(3, "shared"))[0] = 'C'
}

// The syscall package has no function for it, but its number.
func bySegment() bool {
	// ANCHOR: segment
	const private, create, remove = 0, 0o1600, 0
	id, _, errno := syscall.Syscall(syscall.SYS_SHMGET, private, 4096, create)
	if errno != 0 {
		return false
	}
	_, _, errno = syscall.Syscall(syscall.SYS_SHMCTL, id, remove, 0)
	return errno == 0
	// ANCHOR_END: segment
}

// Who holds the lock keeps out another open file.
func byLock() bool {
	file := temporary()
	defer file.Close()
	other := must(os.Open(fmt.Sprintf("/proc/self/fd/%d", file.Fd())))
	defer other.Close()
	check(syscall.Flock(int(file.Fd()), syscall.LOCK_EX))
	return syscall.Flock(int(other.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == syscall.EWOULDBLOCK
}
