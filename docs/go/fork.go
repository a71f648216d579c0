package main

import (
	"fmt"
	"os"
	"os/exec"
)

// Go has no fork of its own: a child is always another program, started by fork and exec in one.
func children() {
	const forks = 20
	var cats []*exec.Cmd
	// ANCHOR: children
	for i := 0; i < forks; i++ {
		cat := exec.Command("cat")
		must(cat.StdinPipe())
		check(cat.Start())
		cats = append(cats, cat)
	}
	// ANCHOR_END: children
	alive, ours := 0, 0
	for _, cat := range cats {
		if status(cat.Process.Pid, "State") != "" {
			alive++
		}
		if parentOf(cat.Process.Pid) == os.Getpid() {
			ours++
		}
	}
	for _, cat := range cats {
		check(cat.Process.Kill())
		cat.Wait()
	}
	record("forks", forks, "alive_at_one_time", alive, "with_our_pid_as_ppid", ours)
}

// The shell becomes another program, and its PID stays.
func execKeepsThePID() {
	// ANCHOR: exec
	shell := exec.Command("sh", "-c", `exec sh -c 'echo $$'`)
	output := must(shell.Output())
	var after int
	must(fmt.Sscan(string(output), &after))
	record("forked_pid", shell.Process.Pid, "pid_after_exec", after)
	// ANCHOR_END: exec
}

// A child starts a grandchild and ends; the grandchild says who its parent is before and after.
func orphan() {
	wait, let, err := os.Pipe()
	check(err)
	output, write, err := os.Pipe()
	check(err)
	child := self("orphan")
	child.ExtraFiles, child.Stdout = []*os.File{wait}, write
	stdin := must(child.StdinPipe())
	check(child.Start())
	var pid, before, after int
	must(fmt.Fscanln(output, &pid, &before))
	// ANCHOR: orphan
	stdin.Close()
	check(child.Wait())
	let.Close()
	must(fmt.Fscanln(output, &pid, &after))
	// ANCHOR_END: orphan
	record("pid", pid, "ppid_before", before, "ppid_after", after)
}

// As the child of orphan, which ends with its stdin, and as the grandchild.
func beOrphaned(arguments []string) {
	wait := os.NewFile(3, "wait")
	if len(arguments) == 0 {
		grandchild := self("orphan", "grandchild")
		grandchild.SysProcAttr = nil
		grandchild.ExtraFiles, grandchild.Stdout = []*os.File{wait}, os.Stdout
		check(grandchild.Start())
		os.Stdin.Read(make([]byte, 1))
		return
	}
	fmt.Println(os.Getpid(), os.Getppid())
	wait.Read(make([]byte, 1))
	fmt.Println(os.Getpid(), os.Getppid())
}
