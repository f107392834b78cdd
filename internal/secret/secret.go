// Package secret holds the values that a build's RUN steps may read and that
// nothing of the build may keep.
//
//	set, err := secret.Load(sources, os.LookupEnv)
//	log := set.Masker(file)            // *** in place of values
//	findings, err := set.SearchLayer(blob) // where a layer holds them
//
// A value is looked for as it is and in the encodings that tools put values
// into by themselves: base64 at each of the three alignments that it can have in
// a longer text, hexadecimal, percent-encoding, and the escapes of JSON and
// HTML; base64 and hexadecimal also when they are broken into lines. Of a value
// with structure (a PEM file, an .npmrc, a netrc) the parts that look like
// credentials are looked for on their own, too.
//
// What nobody can promise: a value that was encrypted, compressed (an archive in
// a layer), reversed or written in a form of somebody's own is not found. Part of a
// password is not the password.
//
// No value leaves the package but through Get. Errors, findings and whatever
// fmt or encoding/json print of a Set have names in them and no values.
package secret

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/plinth-build/plinth/internal/diag"
)

// MaxSize is BuildKit's limit for one value, in bytes.
const MaxSize = 500 << 10

// MinSize is the length in bytes below which a value cannot be looked for, blanks
// around it not counted: in 500 MB of random bytes, four given ones are there by
// chance in one case of eight, and six are not.
const MinSize = 6

// Source says where a value comes from. Of File and Env one is set at most; with
// neither, the value is that of the environment variable called ID, or the content of the
// file called ID when there is no such variable.
type Source struct {
	Pos  diag.Position // where this is written; none for a command line
	ID   string        // the name in RUN --mount=type=secret,id=ID
	File string        // a path
	Env  string        // the name of an environment variable
	// Unsearched says that the value is no secret (a user name, say): RUN steps
	// get it, but it is neither looked for nor masked.
	Unsearched bool
}

// specHint is what to type.
const specHint = "the form is id=NAME,src=FILE or id=NAME,env=VARIABLE"

// ParseSource reads the argument of --secret as buildx does: a line of CSV with
// the keys id, src or source, env, type (file or env), and, which is ours,
// search. Nothing is opened. The error doesn't repeat what it doesn't
// understand, which may be a value that somebody put into the wrong place.
func ParseSource(spec string) (Source, error) {
	bad := func(format string, args ...any) (Source, error) {
		return Source{}, diag.Errorf(diag.Position{}, "cannot read --secret: "+format, args...).Hint(specHint).WithCode(diag.ExitUsage)
	}
	r := csv.NewReader(strings.NewReader(spec))
	fields, err := r.Read()
	if err != nil {
		return bad("it is not a list of KEY=VALUE with commas between")
	}
	if _, err := r.Read(); !errors.Is(err, io.EOF) {
		return bad("it has more than one line")
	}
	s := Source{}
	kind := ""
	for i, field := range fields {
		key, value, ok := strings.Cut(field, "=")
		if !ok {
			return bad("field %d is not KEY=VALUE", i+1)
		}
		switch strings.ToLower(key) {
		case "id":
			s.ID = value
		case "src", "source":
			s.File = value
		case "env":
			s.Env = value
		case "type":
			if kind = value; value != "file" && value != "env" {
				return bad("type= is neither file nor env")
			}
		case "search":
			search, err := strconv.ParseBool(value)
			if err != nil {
				return bad("search= is neither true nor false")
			}
			s.Unsearched = !search
		default:
			return bad("the key of field %d is none of id, src, env, type and search", i+1)
		}
	}
	if s.ID == "" {
		return bad("it has no id=")
	}
	if s.File != "" && s.Env != "" {
		return bad("%s has both src= and env=", s.ID)
	}
	switch {
	case kind == "env" && s.Env == "":
		// buildx lets src= name the variable then
		s.Env, s.File = s.File, ""
		if s.Env == "" {
			s.Env = s.ID
		}
	case kind == "file" && s.Env != "":
		return bad("%s has type=file and env=", s.ID)
	case kind == "file" && s.File == "":
		s.File = s.ID
	}
	return s, nil
}

// where says in words where the value was to come from.
func (s Source) where() string {
	if s.Env != "" {
		return "environment variable " + s.Env
	}
	return "file " + s.File
}

func (s Source) fail(format string, args ...any) *diag.Error {
	return diag.Errorf(s.Pos, "cannot take the secret %s from %s: %w", s.ID, s.where(), fmt.Errorf(format, args...))
}

// load reads the value. lookup is os.LookupEnv or stands for it.
func (s Source) load(lookup func(string) (string, bool)) ([]byte, *diag.Error) {
	if s.File == "" && s.Env == "" {
		if _, ok := lookup(s.ID); ok {
			s.Env = s.ID
		} else {
			s.File = s.ID
		}
	}
	var value []byte
	if s.Env != "" {
		text, ok := lookup(s.Env)
		if !ok {
			return nil, s.fail("it is not set").Hint("export %s, or use --secret id=%s,src=FILE", s.Env, s.ID)
		}
		value = []byte(text)
	} else {
		f, err := os.Open(s.File)
		if err != nil {
			e := s.fail("%w", reason(err))
			if errors.Is(err, fs.ErrNotExist) {
				e = e.Hint("--secret id=%s,src=FILE or --secret id=%s,env=VARIABLE says where it is", s.ID, s.ID)
			}
			return nil, e
		}
		defer f.Close()
		if value, err = io.ReadAll(io.LimitReader(f, MaxSize+1)); err != nil {
			return nil, s.fail("%w", reason(err))
		}
	}
	trimmed := len(bytes.TrimSpace(value))
	switch {
	case len(value) > MaxSize:
		return nil, s.fail("it has more than %d KiB, the most that a secret may have", MaxSize>>10)
	case trimmed == 0:
		return nil, s.fail("it is empty")
	case trimmed < MinSize && !s.Unsearched:
		return nil, s.fail("it has fewer than %d bytes, and so few are found everywhere by chance", MinSize).
			Hint("if it is no secret (a user name, say), add search=false: it is passed on, but not looked for and not masked")
	}
	return value, nil
}

// reason is err without the path, which the message has already.
func reason(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// Set maps names to values. It never changes, and may be used by several
// goroutines. A nil *Set is an empty one.
type Set struct {
	ids        []string // sorted
	values     map[string][]byte
	unsearched map[string]bool

	masking, finding func() *matcher // made once, when first needed
}

// Load reads all values. Of two sources with one ID the later one counts. All
// errors are reported at once, as diag errors.
func Load(sources []Source, lookup func(string) (string, bool)) (*Set, error) {
	last := map[string]int{}
	for i, s := range sources {
		last[s.ID] = i
	}
	values := map[string][]byte{}
	unsearched := map[string]bool{}
	var errs diag.List
	for i, s := range sources {
		if last[s.ID] != i {
			continue
		}
		value, err := s.load(lookup)
		errs.Add(err)
		values[s.ID] = value
		unsearched[s.ID] = s.Unsearched
	}
	if err := errs.Err(); err != nil {
		return nil, err
	}
	return newSet(values, unsearched), nil
}

// newSet makes a Set of values that are long enough.
func newSet(values map[string][]byte, unsearched map[string]bool) *Set {
	s := &Set{values: values, unsearched: unsearched}
	for id := range values {
		s.ids = append(s.ids, id)
	}
	slices.Sort(s.ids)
	s.masking = sync.OnceValue(func() *matcher { return newMatcher(s.needles(true)) })
	s.finding = sync.OnceValue(func() *matcher { return newMatcher(s.needles(false)) })
	return s
}

// IDs are the names, sorted.
func (s *Set) IDs() []string {
	if s == nil {
		return nil
	}
	return slices.Clone(s.ids)
}

// Has says whether there is a value of that name.
func (s *Set) Has(id string) bool {
	if s == nil {
		return false
	}
	_, ok := s.values[id]
	return ok
}

// Get gives a value, as it was in its file or variable.
func (s *Set) Get(id string) ([]byte, bool) {
	if !s.Has(id) {
		return nil, false
	}
	return bytes.Clone(s.values[id]), true
}

// Empty says that there is nothing to look for.
func (s *Set) Empty() bool {
	return s == nil || !slices.ContainsFunc(s.ids, func(id string) bool { return !s.unsearched[id] })
}

// Format implements fmt.Formatter: the names, whatever the verb.
func (s *Set) Format(w fmt.State, _ rune) {
	fmt.Fprintf(w, "secrets[%s]", strings.Join(s.IDs(), " "))
}

// MarshalJSON implements json.Marshaler: a list of the names.
func (s *Set) MarshalJSON() ([]byte, error) { return json.Marshal(s.IDs()) }
