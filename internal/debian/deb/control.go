package deb

import (
	"errors"
	"strings"
)

// Stanza is a control file's fields as they stand, in order.
type Stanza struct {
	Fields []Field
}

// Field is one field. Its value has the continuation lines as they stand, without the last newline.
type Field struct{ Name, Value string }

// ParseControl reads one stanza of a control file (deb-control(5)).
func ParseControl(data []byte) (Stanza, error) {
	var s Stanza
	for line := range strings.SplitSeq(strings.TrimRight(string(data), "\n"), "\n") {
		line = strings.TrimRight(line, "\r")
		switch {
		case line == "":
			if len(s.Fields) > 0 {
				return s, errors.New("its control file has more than one stanza")
			}
		case line[0] == '#':
		case line[0] == ' ' || line[0] == '\t':
			if len(s.Fields) == 0 {
				return s, errors.New("its control file begins with a continuation line")
			}
			s.Fields[len(s.Fields)-1].Value += "\n" + line
		default:
			name, value, ok := strings.Cut(line, ":")
			if !ok || name == "" || strings.ContainsAny(name, " \t") {
				return s, errors.New("its control file has a line that is no field: " + line)
			}
			s.Fields = append(s.Fields, Field{name, strings.Trim(value, " \t")})
		}
	}
	if s.Get("Package") == "" || s.Get("Version") == "" || s.Get("Architecture") == "" {
		return s, errors.New("its control file lacks Package, Version or Architecture")
	}
	return s, nil
}

// Get returns the value of the field name, compared without case, or "".
func (s Stanza) Get(name string) string {
	for _, f := range s.Fields {
		if strings.EqualFold(f.Name, name) {
			return f.Value
		}
	}
	return ""
}

// Text writes the stanza back as a status file has it: Package, then the given
// Status, then the other fields. It ends in one newline.
func (s Stanza) Text(status string) string {
	var b strings.Builder
	b.WriteString("Package: " + s.Get("Package") + "\nStatus: " + status + "\n")
	for _, f := range s.Fields {
		if strings.EqualFold(f.Name, "Package") || strings.EqualFold(f.Name, "Status") {
			continue
		}
		b.WriteString(f.Name + ":")
		if f.Value != "" && f.Value[0] != '\n' {
			b.WriteByte(' ')
		}
		b.WriteString(f.Value + "\n")
	}
	return b.String()
}
