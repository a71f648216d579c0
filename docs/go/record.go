package main

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"
)

// tell prints a record, or each of a slice, as the Rust commands print theirs: name=value pairs, or JSON.
func tell(record any, asJSON bool) error {
	value := reflect.ValueOf(record)
	if value.Kind() == reflect.Slice {
		for i := 0; i < value.Len(); i++ {
			if err := tell(value.Index(i).Interface(), asJSON); err != nil {
				return err
			}
		}
		return nil
	}
	text, err := line(value, asJSON)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(os.Stdout, text)
	return err
}

func line(record reflect.Value, asJSON bool) (string, error) {
	if asJSON {
		return marshal(record.Interface())
	}
	var pairs []string
	for i := 0; i < record.NumField(); i++ {
		name, options, _ := strings.Cut(record.Type().Field(i).Tag.Get("json"), ",")
		if options == "omitempty" && record.Field(i).IsZero() {
			continue
		}
		value, err := marshal(record.Field(i).Interface())
		if err != nil {
			return "", err
		}
		if word := strings.Trim(value, `"`); word != "" && !strings.ContainsAny(word, ` "\=`) {
			value = word
		}
		pairs = append(pairs, name+"="+value)
	}
	return strings.Join(pairs, " "), nil
}

func marshal(value any) (string, error) {
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return strings.TrimSuffix(text.String(), "\n"), err
}

// said is an error as a record has it: nothing if there is none.
func said(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
