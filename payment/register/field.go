package register

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"
)

// fieldError is what is wrong with one field of a message that was understood otherwise: its path below
// SaleToPOIRequest, what was sent, and what to send. To errors.Is it is ErrMessage.
type fieldError struct {
	path, what, send string
	cause            error
}

func (e *fieldError) Error() string        { return e.path + ": " + e.what }
func (e *fieldError) Hint() string         { return e.send }
func (e *fieldError) Unwrap() error        { return e.cause }
func (e *fieldError) Is(target error) bool { return target == ErrMessage }

// wrongField is the error of a field that another check found wrong; its hint stays.
func wrongField(path string, err error) error {
	return &fieldError{path: path, what: err.Error(), send: hintOf(err), cause: err}
}

// shownMax bounds what is quoted of a value, in characters.
const shownMax = 40

func shorten(text string) string {
	if utf8.RuneCountInString(text) <= shownMax {
		return text
	}
	return string([]rune(text)[:shownMax]) + "..."
}

// fields reads JSON into the protocol's types. What doesn't fit is left out and the first of it kept, so that
// the rest can still say whose message it is.
type fields struct{ wrong error }

func (f *fields) misfit(path string, raw json.RawMessage, what, send string) {
	if f.wrong == nil {
		f.wrong = &fieldError{path: path, what: shown(raw) + " is no " + what, send: send}
	}
}

// shown is a value as it was sent; of a list or an object only that it is one.
func shown(raw json.RawMessage) string {
	switch {
	case isEmptyList(raw):
		return "[]"
	case raw[0] == '[':
		return "a list"
	case raw[0] == '{':
		return "an object"
	}
	return shorten(string(raw))
}

// isEmptyList holds for [], which PHP writes for an object without members too.
func isEmptyList(raw json.RawMessage) bool {
	return len(raw) >= 2 && raw[0] == '[' && len(bytes.TrimSpace(raw[1:len(raw)-1])) == 0
}

// read puts a value into v, whose fields are named by their json tags, in whatever case. null is what was
// left out, but where that would mean the most (`null:"refused"`).
func (f *fields) read(path string, raw json.RawMessage, v reflect.Value) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || string(raw) == "null" {
		return
	}
	switch target := v.Addr().Interface().(type) {
	case *json.RawMessage:
		*target = bytes.Clone(raw)
		return
	case *json.Number:
		f.number(path, raw, target)
		return
	}
	switch v.Kind() { // the kinds that requests are made of
	case reflect.Pointer:
		one := reflect.New(v.Type().Elem())
		f.read(path, raw, one.Elem())
		v.Set(one)
	case reflect.Struct:
		f.object(path, raw, v)
	case reflect.Slice:
		var items []json.RawMessage
		if json.Unmarshal(raw, &items) != nil {
			f.misfit(path, raw, "list", "put it in [ ]")
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), len(items), len(items)))
		for i, item := range items {
			f.read(fmt.Sprintf("%s[%d]", path, i), item, v.Index(i))
		}
	default:
		f.scalar(path, raw, v)
	}
}

func (f *fields) object(path string, raw json.RawMessage, v reflect.Value) {
	var required []string
	for i := range v.NumField() {
		name, options, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		if name != "" && options != "omitempty" {
			required = append(required, name)
		}
	}
	if isEmptyList(raw) && len(required) == 0 {
		return
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil {
		send := "send { }"
		if len(required) > 0 {
			send = "send an object with " + strings.Join(required, ", ")
		}
		f.misfit(path, raw, "object", send)
		return
	}
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		if name == "" {
			continue // not the protocol's, whatever an unnamed member says
		}
		at := name
		if path != "" {
			at = path + "." + name
		}
		for key, member := range members {
			if !strings.EqualFold(key, name) {
				continue
			}
			// once at the most: checkJSON has looked
			if v.Type().Field(i).Tag.Get("null") == "refused" && string(bytes.TrimSpace(member)) == "null" {
				f.misfit(at, bytes.TrimSpace(member), "number", "leave it out for all that is left, or send how much")
			}
			f.read(at, member, v.Field(i))
		}
	}
}

func (f *fields) scalar(path string, raw json.RawMessage, v reflect.Value) {
	if json.Unmarshal(raw, v.Addr().Interface()) == nil {
		return
	}
	switch v.Kind() { // the kinds that requests are made of
	case reflect.String:
		send := "send a text in quotes"
		if raw[0] != '[' && raw[0] != '{' {
			send = "send " + strconv.Quote(shorten(string(raw)))
			v.SetString(string(raw)) // it can still be named by that
		}
		f.misfit(path, raw, "text", send)
	case reflect.Bool:
		f.misfit(path, raw, "true or false", "send true or false, without quotes")
	default:
		send := "send digits without quotes, such as 1"
		if text := strings.Trim(string(raw), `"`); isWhole(text) {
			send = "send " + text + ", without quotes"
		}
		f.misfit(path, raw, "whole number", send)
	}
}

func isWhole(text string) bool {
	_, err := strconv.ParseInt(text, 10, 32)
	return err == nil
}

// number reads an amount in major units: a JSON number, or a text that holds one.
func (f *fields) number(path string, raw json.RawMessage, target *json.Number) {
	var n json.Number
	if json.Unmarshal(raw, &n) == nil && n != "" {
		*target = n
		return
	}
	f.misfit(path, raw, "number", numberHint(strings.Trim(string(raw), `"`)))
}

// numberHint says what to send for a text that is no number. "4,20" can only be meant as 4.20; "4,200" can be
// two amounts.
func numberHint(text string) string {
	whole, decimals, found := strings.Cut(text, ",")
	if _, err := strconv.ParseUint(whole+decimals, 10, 62); found && err == nil && len(whole) > 0 &&
		(len(decimals) == 1 || len(decimals) == 2) {
		return "send " + whole + "." + decimals
	}
	if text == "" {
		return "leave it out, or send a number with a point, such as 4.20"
	}
	return "send a number with a point and without separators, such as 4.20"
}
