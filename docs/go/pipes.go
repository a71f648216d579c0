package main

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"regexp"
	"strings"
	"time"
)

// A line longer than the buffer comes in pieces.
func readLine() {
	const buffer, line = 16, 40
	var pieces []int
	var isPrefixes []bool
	reader := bufio.NewReaderSize(strings.NewReader(strings.Repeat("x", line)+"\nnext\n"), buffer)
	// ANCHOR: read-line
	for goesOn := true; goesOn; {
		piece, isPrefix, err := reader.ReadLine()
		check(err)
		pieces = append(pieces, len(piece))
		isPrefixes = append(isPrefixes, isPrefix)
		goesOn = isPrefix
	}
	// ANCHOR_END: read-line
	record("buffer", buffer, "line", line, "pieces", pieces, "is_prefix", isPrefixes)
}

// WriteTo writes what is buffered, and goes on to the end of the source.
func writeTo() {
	const size = 100_000
	// Only a Reader: its own WriteTo would go round the buffer.
	source := struct{ io.Reader }{strings.NewReader(strings.Repeat("x", size))}
	// ANCHOR: write-to
	reader := bufio.NewReader(source)
	must(reader.Peek(1))
	buffered := reader.Buffered()
	written := must(reader.WriteTo(&bytes.Buffer{}))
	// ANCHOR_END: write-to
	record("source", size, "buffered", buffered, "written", written)
}

// result is the record of a call.
func result(step string, n int, err error) []any {
	if err != nil {
		return []any{"step", step, "result", err, "n", n}
	}
	return []any{"step", step, "result", "done", "n", n}
}

// Each end refuses what is the other's, and sees when the other is closed.
func osPipe() {
	reader, writer, err := os.Pipe()
	check(err)
	buffer := make([]byte, 10)
	do := func(step string, call func([]byte) (int, error), bytes []byte) {
		n, err := call(bytes)
		record(result(step, n, err)...)
	}
	// ANCHOR: os-pipe
	do("write to the writer", writer.Write, []byte("rest"))
	do("write to the reader", reader.Write, []byte("rest"))
	do("read from the writer", writer.Read, buffer)
	writer.Close()
	do("close the writer, read", reader.Read, buffer)
	do("read again", reader.Read, buffer)
	reader.Close()
	// ANCHOR_END: os-pipe
	reader, writer, err = os.Pipe()
	check(err)
	defer writer.Close()
	reader.Close()
	do("close the reader, write", writer.Write, []byte("rest"))
}

// No buffer: a write is done when readers have taken all of it, or when an end is closed.
func ioPipe() {
	reader, writer := io.Pipe()
	written := make(chan []any)
	write := func(step, text string) {
		n, err := writer.Write([]byte(text))
		written <- result(step, n, err)
	}
	read := func() {
		buffer := make([]byte, 4)
		n, err := reader.Read(buffer)
		record(result("read "+string(buffer[:n]), n, err)...)
	}
	// ANCHOR: io-pipe
	go write("write abcdef", "abcdef")
	read()
	read()
	record(<-written...)
	go write("write 9 bytes, close the reader with an error", "123456789")
	read()
	reader.CloseWithError(io.ErrNoProgress)
	record(<-written...)
	writer.CloseWithError(io.ErrShortWrite)
	// ANCHOR_END: io-pipe
	read()
}

// Goroutines that share an end are kept apart by its lock, whatever they write.
func atomicity() {
	file, end, err := os.Pipe()
	check(err)
	writers("os-file", file, end)
	memory, memoryEnd := io.Pipe()
	writers("io-pipe", memory, memoryEnd)
}

func writers(via string, reader io.Reader, writer io.WriteCloser) {
	const writers, size, messages = 4, 100_001, 40
	// ANCHOR: writers
	go func() {
		atOnce(writers, func(nth int) {
			message := bytes.Repeat([]byte{byte('a' + nth)}, size)
			for i := 0; i < messages/writers; i++ {
				writer.Write(message)
			}
		})
		writer.Close()
	}()
	// ANCHOR_END: writers
	torn := 0
	for message := make([]byte, size); ; {
		if _, err := io.ReadFull(reader, message); err != nil {
			break
		}
		if bytes.Count(message, message[:1]) != size {
			torn++
		}
	}
	record("via", via, "writers", writers, "size", size, "messages", messages, "torn", torn)
}

// The source of package io: what its pipe has of package sync.
func bySync() {
	fields := regexp.MustCompile(`(?m)^\t\w+ +(sync\.\w+)`).FindAllStringSubmatch(goDoc("io.pipe"), -1)
	var types []string
	for _, field := range fields {
		types = append(types, field[1])
	}
	record("of", "pipe", "fields_of_package_sync", types)
}

// What a message costs, small and large, on its way from one goroutine to another.
func efficiency() {
	const messages = 4000
	for _, size := range []int{16, 64 << 10} {
		file, end, err := os.Pipe()
		check(err)
		osWall, osCPU := carry(file, end, size, messages)
		memory, memoryEnd := io.Pipe()
		ioWall, ioCPU := carry(memory, memoryEnd, size, messages)
		record(
			"size", size, "messages", messages, "io_pipe_us", ioWall, "os_pipe_us", osWall,
			"io_pipe_cpu_us", ioCPU, "os_pipe_cpu_us", osCPU,
		)
	}
}

// carry measures microseconds a message, by the clock and by the CPU's time.
func carry(reader io.Reader, writer io.WriteCloser, size, messages int) (wall, cpu float64) {
	start, used := time.Now(), usedCPU()
	go func() {
		for i, message := 0, make([]byte, size); i < messages; i++ {
			writer.Write(message)
		}
		writer.Close()
	}()
	for buffer := make([]byte, size); ; {
		if _, err := reader.Read(buffer); err != nil {
			break
		}
	}
	each := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(messages) }
	return each(time.Since(start)), each(usedCPU() - used)
}
