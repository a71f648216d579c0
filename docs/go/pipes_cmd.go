package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
)

// StdoutPipe in the order of the note's text, and in that of its listing.
func startFirst() {
	late := exec.Command("true")
	check(late.Start())
	_, lateErr := late.StdoutPipe()
	check(late.Wait())
	// ANCHOR: first
	cmd := exec.Command("echo", "-n", "command from golang.")
	stdout, err := cmd.StdoutPipe()
	check(err)
	check(cmd.Start())
	output := must(io.ReadAll(stdout))
	check(cmd.Wait())
	// ANCHOR_END: first
	record(
		"stdout_pipe_after_start", lateErr, "stdout_pipe_before_start", err,
		"refused", lateErr != nil, "output", string(output),
	)
}

func pipeTypes() {
	record("stdout_pipe", returns((*exec.Cmd).StdoutPipe)[0], "stdin_pipe", returns((*exec.Cmd).StdinPipe)[0])
}

// returns names the types of what a function returns.
func returns(function any) (types []string) {
	kind := reflect.TypeOf(function)
	for i := 0; i < kind.NumOut(); i++ {
		types = append(types, kind.Out(i).String())
	}
	return types
}

// Listings of ours with one mistake of the note's each, and what mends it.
var listings = []struct{ name, source, mistake, cure string }{
	{
		"a buffered reader",
		`package listing
		import ("bufio"; "io")
		func first(pipe io.Reader) ([]byte, error) {
			putputBuf := bufio.NewReader(pipe)
			line, _, err := outputBuf.ReadLine()
			return line, err
		}`,
		"putputBuf", "outputBuf",
	},
	{
		"a slice of signals",
		`package listing
		import ("os"; "os/signal")
		func ask(received chan os.Signal, sigs []os.Signal) {
			signal.Notify(received, sigs..)
		}`,
		"sigs..", "sigs...",
	},
	{
		"a loop under a deadline",
		`package listing
		import ("net"; "time")
		func loop(conn net.Conn, b []byte) {
			for {
				conn.SetDeadline(time.Now().Add(2 * time.Second))
				n, err := conn.Read(b)
				// todo
			}
		}`,
		"// todo", "println(n, err)",
	},
}

// The compiler's word on each: with the note's mistake and without.
func compileListings() {
	for _, listing := range listings {
		complaint := compile(listing.source)
		mended := compile(strings.Replace(listing.source, listing.mistake, listing.cure, 1)) == ""
		record("listing", listing.name, "compiles", complaint == "", "error", complaint, "compiles_mended", mended)
	}
}

// compile returns the last of what the compiler has to say.
func compile(source string) (complaint string) {
	folder := must(os.MkdirTemp("", "note"))
	defer os.RemoveAll(folder)
	check(os.WriteFile(filepath.Join(folder, "listing.go"), []byte(source+"\n"), 0o600))
	said, err := golang(folder, "build", "listing.go").CombinedOutput()
	if err == nil {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(said)), "\n")
	return lines[len(lines)-1]
}

// A shell that ends before what it has started in the background, which has its stdout, and prints once let is closed.
const leaver = "printf 'early '; { (read go <&3; printf late) & } 3<&0"

func wait() {
	waitForBuffer()
	waitForPipe()
}

// Wait waits for the end of the output.
func waitForBuffer() {
	held, let, err := os.Pipe()
	check(err)
	var buffer bytes.Buffer
	cmd := exec.Command("sh", "-c", leaver)
	cmd.Stdin, cmd.Stdout = held, &buffer
	check(cmd.Start())
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	// Wait reaps the shell first, and then waits for its output.
	until("the shell has ended", func() bool { return status(cmd.Process.Pid, "State") == "" })
	returned := len(done) > 0
	let.Close()
	check(<-done)
	record("stdout", "bytes.Buffer", "returned_while_a_grandchild_has_it", returned, "output", buffer.String())
}

// Wait closes the pipe, with what is in it.
func waitForPipe() {
	held, let, err := os.Pipe()
	check(err)
	defer let.Close()
	cmd := exec.Command("sh", "-c", leaver)
	cmd.Stdin = held
	stdout := must(cmd.StdoutPipe())
	check(cmd.Start())
	check(cmd.Wait())
	output, err := io.ReadAll(stdout)
	record(
		"stdout", "StdoutPipe", "returned_while_a_grandchild_has_it", true,
		"output", string(output), "read_after_wait", err,
	)
}

// os.Pipe names its files; what exec.Cmd returns has their names.
func pipesOf() {
	reader, writer, err := os.Pipe()
	check(err)
	defer reader.Close()
	defer writer.Close()
	cmd := exec.Command("cat")
	stdout, stdin := must(cmd.StdoutPipe()), must(cmd.StdinPipe())
	defer stdout.Close()
	defer stdin.Close()
	isPipe := func(end file) bool { return must(end.Stat()).Mode()&os.ModeNamedPipe != 0 }
	record(
		"os_pipe", []string{reader.Name(), writer.Name()},
		"stdout_pipe", stdout.(file).Name(), "stdin_pipe", stdin.(file).Name(),
		"both_are_pipes_of_the_kernel", isPipe(stdout.(file)) && isPipe(stdin.(file)),
	)
}

// What the ends have besides reading, writing and closing.
type file interface {
	Name() string
	Stat() (os.FileInfo, error)
}

// openEnds counts our descriptors of some pipes.
func openEnds(pipes []os.FileInfo) (count int) {
	for _, entry := range must(os.ReadDir("/proc/self/fd")) {
		// One that is closed by now is an error.
		info, err := os.Stat("/proc/self/fd/" + entry.Name())
		for _, pipe := range pipes {
			if err == nil && os.SameFile(info, pipe) {
				count++
			}
		}
	}
	return count
}

// Of two pipes to a command this process has four ends, then its own two, then none.
func ends() {
	cmd := exec.Command("true")
	stdout, stdin := must(cmd.StdoutPipe()), must(cmd.StdinPipe())
	pipes := []os.FileInfo{must(stdout.(file).Stat()), must(stdin.(file).Stat())}
	// ANCHOR: ends
	beforeStart := openEnds(pipes)
	check(cmd.Start())
	afterStart := openEnds(pipes)
	check(cmd.Wait())
	afterWait := openEnds(pipes)
	_, readErr := stdout.Read(make([]byte, 1))
	_, writeErr := stdin.Write([]byte("x"))
	// ANCHOR_END: ends
	record(
		"ends_before_start", beforeStart, "ends_after_start", afterStart, "ends_after_wait", afterWait,
		"write_after_wait", writeErr, "read_after_wait", readErr,
		"both_closed", errors.Is(readErr, os.ErrClosed) && errors.Is(writeErr, os.ErrClosed),
	)
}
