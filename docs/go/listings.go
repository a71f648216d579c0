package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
)

// A listing of ours with one mistake of the note's, and what mends it.
type listing struct {
	name          string
	imports       []string
	lines         string
	mistake, cure string
}

var listings = []listing{
	{
		"a buffered reader", []string{"bufio", "io"},
		`func first(pipe io.Reader) ([]byte, error) {
			NAMED := bufio.NewReader(pipe)
			line, _, err := outputBuf.ReadLine()
			return line, err
		}`,
		"NAMED=putputBuf", "NAMED=outputBuf",
	},
	{
		"a slice of signals", []string{"os", "os/signal"},
		`func ask(received chan os.Signal, sigs []os.Signal) {
			signal.Notify(received, sigsDOTS)
		}`,
		"DOTS=..", "DOTS=...",
	},
	{
		"a loop under a deadline", []string{"net", "time"},
		`func loop(conn net.Conn, b []byte) {
			for {
				conn.SetDeadline(time.Now().Add(2 * time.Second))
				n, err := conn.Read(b)
				USED
			}
		}`,
		"USED=//todo", "USED=println(n, err)",
	},
}

type compiled struct {
	Listing  string `json:"listing"`
	Compiles bool   `json:"compiles"`
	Error    string `json:"error"`
	Mended   bool   `json:"compiles_mended"`
}

// The compiler's word on each: with the note's mistake and without.
func compileListings() (any, error) {
	folder, err := os.MkdirTemp("", "note")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	var records []compiled
	for _, listing := range listings {
		record := compiled{Listing: listing.name}
		if record.Compiles, record.Error, err = listing.compile(folder, listing.mistake); err != nil {
			return nil, err
		}
		if record.Mended, _, err = listing.compile(folder, listing.cure); err != nil {
			return nil, err
		}
		records = append(records, record)
	}
	return records, nil
}

func (listing listing) compile(folder, change string) (compiles bool, complaint string, err error) {
	place, word, _ := strings.Cut(change, "=")
	source := "package listing\n"
	for _, path := range listing.imports {
		source += "import \"" + path + "\"\n"
	}
	source += strings.ReplaceAll(listing.lines, place, word) + "\n"
	if err := os.WriteFile(filepath.Join(folder, "listing.go"), []byte(source), 0o600); err != nil {
		return false, "", err
	}
	var said bytes.Buffer
	build := golang(folder, "build", "listing.go")
	build.Stderr = &said
	if err := build.Start(); err != nil {
		return false, "", cannotShow(err.Error())
	}
	if build.Wait() == nil {
		return true, "", nil
	}
	lines := strings.Split(strings.TrimSpace(said.String()), "\n")
	return false, lines[len(lines)-1], nil
}
