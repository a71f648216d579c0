package main

import (
	"encoding/json"
	"fmt"
	"strings"
)

// record prints a line of name=value, or of JSON, as the Rust commands do; its arguments are names and values in turn.
// Of an error it prints the text, and of nil nothing.
func record(pairs ...any) {
	var fields []string
	for i := 0; i < len(pairs); i += 2 {
		name, value := pairs[i].(string), pairs[i+1]
		if value == nil {
			continue
		}
		if err, isError := value.(error); isError {
			value = err.Error()
		}
		if *asJSON {
			fields = append(fields, marshal(name)+":"+marshal(value))
		} else {
			fields = append(fields, name+"="+word(marshal(value)))
		}
	}
	if *asJSON {
		fmt.Println("{" + strings.Join(fields, ",") + "}")
	} else {
		fmt.Println(strings.Join(fields, " "))
	}
}

func marshal(value any) string {
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	check(encoder.Encode(value))
	return strings.TrimSuffix(text.String(), "\n")
}

// word takes off the quotes that a single word does not need.
func word(value string) string {
	if word := strings.Trim(value, `"`); word != "" && !strings.ContainsAny(word, ` "\=`) {
		return word
	}
	return value
}

// A failure is what check panics with.
type failure struct{ error }

// A cannotShow is the lack of something on this machine.
type cannotShow struct{ error }

// check ends the step if err is not nil, and run returns err. In another goroutine it would end the program.
func check(err error) {
	if err != nil {
		panic(failure{err})
	}
}

// need is check for what a machine may lack.
func need(err error) {
	if err != nil {
		check(cannotShow{err})
	}
}

// must returns the value of a call that may not fail.
func must[T any](value T, err error) T {
	check(err)
	return value
}

// run calls show, and returns what check has ended it with. What show has deferred is done by then.
func run(show func()) (err error) {
	defer func() {
		switch found := recover().(type) {
		case nil:
		case failure:
			err = found.error
		default:
			panic(found)
		}
	}()
	show()
	return nil
}
