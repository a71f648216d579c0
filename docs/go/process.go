package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// Says to a child of this program what to do instead of showing anything.
const roleVariable = "NOTE_ROLE"

// patience is how long anything may take that should come soon.
const patience = 8 * time.Second

// mortal is a command that the kernel kills when this process ends.
func mortal(name string, arguments ...string) *exec.Cmd {
	cmd := exec.Command(name, arguments...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

// self is this program once more, in another role.
func self(role string, arguments ...string) *exec.Cmd {
	cmd := mortal("/proc/self/exe", arguments...)
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	cmd.Stderr = os.Stderr
	return cmd
}

// golang is a go command in a folder, where it also has its temporary files, also those that it leaves when it is
// killed. It takes neither the network nor another toolchain, and asks no version control.
func golang(folder string, arguments ...string) *exec.Cmd {
	command := func(arguments ...string) *exec.Cmd {
		cmd := mortal("go", arguments...)
		cmd.Dir = folder
		cmd.Env = append(os.Environ(), "GOTOOLCHAIN=local", "GOPROXY=off", "GOFLAGS=-mod=mod -buildvcs=false")
		cmd.Env = append(cmd.Env, "GOWORK=off", "CGO_ENABLED=0", "GOTMPDIR="+folder)
		return cmd
	}
	if said, err := command("version").CombinedOutput(); err != nil {
		need(fmt.Errorf("go version: %w %s", err, bytes.TrimSpace(said)))
	}
	return command(arguments...)
}

// goDoc is the source of a name of the standard library, as it is built here.
func goDoc(name string) string {
	source, err := golang(os.TempDir(), "doc", "-u", "-src", name).Output()
	if err != nil {
		need(fmt.Errorf("go doc has no %s: %w", name, err))
	}
	return string(source)
}

// status is what /proc says of a process, or "" if it is gone.
func status(pid int, name string) (value string) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return ""
	}
	_, rest, _ := bytes.Cut(text, []byte("\n"+name+":"))
	fmt.Sscan(string(rest), &value)
	return value
}

func parentOf(pid int) (ppid int) {
	fmt.Sscan(status(pid, "PPid"), &ppid)
	return ppid
}

// until waits for what is seen only by looking again.
func until(what string, isSo func() bool) {
	for deadline := time.Now().Add(patience); !isSo(); runtime.Gosched() {
		if time.Now().After(deadline) {
			check(fmt.Errorf("not seen in %v: %s", patience, what))
		}
	}
}

// parked waits until a goroutine waits in function for the kernel: the runtime's own word for it is "IO wait".
func parked(function string) {
	stacks := make([]byte, 1<<20)
	until(function+" waits", func() bool {
		text := string(stacks[:runtime.Stack(stacks, true)])
		for _, goroutine := range strings.Split(text, "\n\n") {
			head, rest, _ := strings.Cut(goroutine, "\n")
			if strings.Contains(head, "[IO wait") && strings.Contains(rest, function) {
				return true
			}
		}
		return false
	})
}

// rusage is what this process has used.
func rusage() (used syscall.Rusage) {
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &used))
	return used
}

func usedCPU() time.Duration {
	used := rusage()
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
