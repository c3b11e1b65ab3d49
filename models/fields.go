package models

import (
	"fmt"
	"reflect"
	"strings"
)

// checkFields holds decoded JSON against the fields of a Manifest. encoding/json alone takes a missing field
// for zero, "Task" for "task", and names an unknown field without its place.
func checkFields(raw any) error { return checkValue("", raw, reflect.TypeFor[Manifest]()) }

func checkValue(path string, raw any, t reflect.Type) error {
	switch t.Kind() {
	case reflect.Pointer:
		return checkValue(path, raw, t.Elem())
	case reflect.Struct:
		object, ok := raw.(map[string]any)
		if !ok {
			return fmt.Errorf("%s is no object", orWhole(path))
		}
		return checkObject(path, object, t)
	case reflect.Slice:
		list, ok := raw.([]any)
		if !ok {
			return fmt.Errorf("%s is no list", path)
		}
		for i, e := range list {
			if err := checkValue(fmt.Sprintf("%s[%d]%s", path, i, fileOf(e)), e, t.Elem()); err != nil {
				return err
			}
		}
	default:
		if raw == nil {
			return fmt.Errorf("%s is null", path)
		}
	}
	return nil
}

func checkObject(path string, object map[string]any, t reflect.Type) error {
	known := map[string]bool{}
	for f := range t.Fields() {
		name, option, _ := strings.Cut(f.Tag.Get("json"), ",")
		known[name] = true
		inner, there := object[name]
		if !there {
			if option == "omitempty" {
				continue
			}
			return fmt.Errorf("%s: missing field %q", orWhole(path), name)
		}
		if err := checkValue(strings.TrimPrefix(path+"."+name, "."), inner, f.Type); err != nil {
			return err
		}
	}
	for name := range object {
		if !known[name] {
			return fmt.Errorf("%s: unknown field %q", orWhole(path), name)
		}
	}
	return nil
}

func orWhole(path string) string {
	if path == "" {
		return "the manifest"
	}
	return path
}

// fileOf names the model that an element of the list describes.
func fileOf(e any) string {
	if object, ok := e.(map[string]any); ok {
		if name, ok := object["file"].(string); ok {
			return fmt.Sprintf(" (%q)", name)
		}
	}
	return ""
}
