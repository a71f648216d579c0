package main

import (
	"bufio"
	"io"
	"os"
	"reflect"
)

func writer() {
	const asked = 10_000
	record(
		"methods", methodsOf(reflect.TypeOf(&bufio.Writer{})), "size", bufio.NewWriter(io.Discard).Size(),
		"asked_for", asked, "got", bufio.NewWriterSize(io.Discard, asked).Size(),
	)
}

// calls keeps how much each Write that reached it brought.
type calls []int

func (calls *calls) Write(b []byte) (int, error) {
	*calls = append(*calls, len(b))
	return len(b), nil
}

// What a Write passes on, and what stays in the buffer.
func largeWrites() {
	for _, sizes := range [][2]int{{0, 5000}, {1000, 10_000}, {1000, 4000}, {0, 4096}} {
		passed := calls{}
		writer := bufio.NewWriter(&passed)
		must(writer.Write(make([]byte, sizes[0])))
		must(writer.Write(make([]byte, sizes[1])))
		record(
			"buffer", writer.Size(), "buffered", sizes[0], "write", sizes[1],
			"went_on", passed, "kept", writer.Buffered(),
		)
	}
}

// A buffer of one's own size keeps what a default one would pass on; Flush passes it on, or says why it cannot.
func flush() {
	const size, written = 10_000, 5000
	// ANCHOR: flush
	passed := calls{}
	writer := bufio.NewWriterSize(&passed, size)
	must(writer.Write(make([]byte, written)))
	before := len(passed)
	check(writer.Flush())
	kept := writer.Buffered()
	// ANCHOR_END: flush
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	need(err)
	defer full.Close()
	writer.Reset(full)
	must(writer.WriteString("27"))
	err = writer.Flush()
	record(
		"buffer", size, "write", written, "went_on", passed[:before], "went_on_by_flush", passed[before:],
		"kept", kept, "flush_to_a_full_device", err, "fails_there", err != nil,
	)
}
