// Go's side of the note: each heading, shown by Go as the Rust commands beside it show it.
//
//	go run . HEADING [STEP]
//
// HEADING is a page of the guide. Without STEP all its steps are shown, in the note's order, a record a line.
// With -json before HEADING the records are JSON.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
)

// A step shows one thing.
type step struct {
	name string
	show func()
}

type heading struct {
	name  string
	steps []step
}

// In the note's order.
var headings = []heading{
	{"first-sentences", []step{{"ipc", ipc}}},
	{"fork", []step{{"children", children}, {"exec", execKeepsThePID}, {"orphan", orphan}}},
	{"identity", []step{{"ids", ids}, {"pids", pids}}},
	{"states", []step{{"states", states}}},
	{"memory", []step{{"larger-than-ram", largerThanRAM}, {"touched", touched}}},
	{"system-calls", []step{{"modes", modes}}},
	{"scheduling", []step{{"switching", switching}}},
	{"synchronisation", []step{{"race", race}, {"atomic", atomics}}},
	{"pipes", []step{
		{"start-first", startFirst}, {"types", pipeTypes}, {"listings", compileListings}, {"read-line", readLine},
		{"write-to", writeTo}, {"wait", wait}, {"os-pipe", osPipe}, {"pipes-of", pipesOf}, {"ends", ends},
		{"io-pipe", ioPipe}, {"atomicity", atomicity}, {"by-sync", bySync}, {"efficiency", efficiency},
	}},
	{"signals", []step{
		{"types", signalTypes}, {"constants", constants}, {"notify", notifyTypes}, {"order", order},
		{"one", fates("one")}, {"all", fates("all")}, {"none", fates("none")}, {"urgent", urgent},
		{"close", closeChannel}, {"full", fullChannels}, {"again", notifyAgain}, {"independent", independent},
		{"registry", registry}, {"processes", processes}, {"go-run-builds", goRunBuilds},
		{"go-run-family", goRunFamily}, {"go-run-output", goRunOutput},
	}},
	{"socket-features", []step{{"boundaries", boundaries}, {"both-directions", bothDirections}}},
	{"tcp-ip", []step{
		{"listen", listenOnAll}, {"literals", literals}, {"families", families}, {"dial", dialIP},
		{"durations", durations}, {"dial-timeout", dialTimeout}, {"non-blocking", nonBlocking},
		{"write", partialWrite}, {"partial-read", partialRead}, {"methods", methods},
	}},
	{"read", []step{{"loop", readLoop}, {"delimiter", delimiter}, {"scanner", scanner}}},
	{"write", []step{{"writer", writer}, {"large", largeWrites}, {"flush", flush}}},
	{"close", []step{{"closed", closed}, {"blocked", blocked}}},
	{"addresses", []step{{"ends", addresses}}},
	{"deadlines", []step{
		{"passed", passed}, {"directions", directions}, {"covered", covered}, {"imports", imports},
	}},
}

// What a child of this program does instead: see self.
var roles = map[string]func(arguments []string){
	"map":                writeMapped,
	"orphan":             beOrphaned,
	"take-signal":        takeSignal,
	"close-without-stop": closeWithoutStop,
}

var asJSON = flag.Bool("json", false, "print records as JSON lines")

func main() {
	flag.Usage = usage
	flag.Parse()
	if role, found := roles[os.Getenv(roleVariable)]; found {
		exit(run(func() { role(flag.Args()) }))
	}
	steps := find(flag.Arg(0), flag.Arg(1))
	if len(steps) == 0 || flag.NArg() > 2 {
		usage()
		os.Exit(2)
	}
	for _, step := range steps {
		switch err := run(step.show); {
		case len(steps) == 1:
			exit(err)
		case errors.As(err, new(cannotShow)):
			fmt.Fprintf(os.Stderr, "%s: cannot be shown here: %v\n", step.name, err)
		case err != nil:
			exit(fmt.Errorf("%s: %w", step.name, err))
		}
	}
}

// find returns a step of a heading, or all of them where none is named.
func find(name, only string) (found []step) {
	for _, heading := range headings {
		for _, step := range heading.steps {
			if heading.name == name && (only == "" || only == step.name) {
				found = append(found, step)
			}
		}
	}
	return found
}

func exit(err error) {
	if err == nil {
		os.Exit(0)
	}
	fmt.Fprintln(os.Stderr, err)
	if errors.As(err, new(cannotShow)) {
		os.Exit(77)
	}
	os.Exit(1)
}

func usage() {
	fmt.Fprintln(os.Stderr, "usage: go run . [-json] HEADING [STEP]")
	for _, heading := range headings {
		fmt.Fprint(os.Stderr, "  ", heading.name, ":")
		for _, step := range heading.steps {
			fmt.Fprint(os.Stderr, " ", step.name)
		}
		fmt.Fprintln(os.Stderr)
	}
}
