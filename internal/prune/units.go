package prune

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// ParseAge reads an age: a Go duration such as "36h", in which d stands for 24
// hours and w for seven days too, as in "7d" and "1w12h". It is never negative.
func ParseAge(s string) (time.Duration, error) {
	var sum float64
	rest := s
	for rest != "" {
		number, unit, after := cutUnit(rest)
		rest = after
		n, err := strconv.ParseFloat(number, 64)
		size, ok := map[string]float64{
			"ns": 1, "us": 1e3, "µs": 1e3, "ms": 1e6, "s": 1e9, "m": 60e9, "h": 3600e9, "d": 24 * 3600e9, "w": 7 * 24 * 3600e9,
		}[unit]
		if err != nil || !ok {
			return 0, errors.New("write it as 7d, 36h or 2w")
		}
		sum += n * size
	}
	if s == "" {
		return 0, errors.New("write it as 7d, 36h or 2w")
	}
	if sum >= math.MaxInt64 {
		return 0, errors.New("nothing is that old")
	}
	return time.Duration(sum), nil
}

// ParseSize reads a number of bytes such as "20GB" (powers of 1000), "512MiB"
// (powers of 1024) or "0". Capitals do not count.
func ParseSize(s string) (int64, error) {
	number, unit, rest := cutUnit(s)
	n, err := strconv.ParseFloat(number, 64)
	size, ok := map[string]float64{
		"": 1, "b": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12,
		"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40,
	}[strings.ToLower(strings.TrimSpace(unit))]
	if err != nil || !ok || rest != "" {
		return 0, errors.New("write it as 20GB or 500MB (powers of 1000), or as 20GiB (powers of 1024)")
	}
	if n*size >= math.MaxInt64 {
		return 0, errors.New("no disk is that large")
	}
	return int64(n * size), nil
}

// cutUnit splits "1.5h30m" into "1.5", "h" and "30m".
func cutUnit(s string) (number, unit, rest string) {
	isNumber := func(r rune) bool { return r >= '0' && r <= '9' || r == '.' }
	end := strings.IndexFunc(s, func(r rune) bool { return !isNumber(r) })
	if end < 0 {
		return s, "", ""
	}
	number, s = s[:end], s[end:]
	if end = strings.IndexFunc(s, isNumber); end < 0 {
		end = len(s)
	}
	return number, s[:end], s[end:]
}

// Age is the value of a flag; it has the methods of pflag.Value.
type Age struct{ Value *time.Duration }

// Set implements pflag.Value.
func (a *Age) Set(s string) error {
	d, err := ParseAge(s)
	if err == nil {
		a.Value = &d
	}
	return err
}

// String implements pflag.Value.
func (a *Age) String() string {
	if a.Value == nil {
		return ""
	}
	return a.Value.String()
}

// Type implements pflag.Value.
func (a *Age) Type() string { return "AGE" }

// Size is the value of a flag; it has the methods of pflag.Value.
type Size struct{ Value *int64 }

// Set implements pflag.Value.
func (z *Size) Set(s string) error {
	n, err := ParseSize(s)
	if err == nil {
		z.Value = &n
	}
	return err
}

// String implements pflag.Value.
func (z *Size) String() string {
	if z.Value == nil {
		return ""
	}
	return fmt.Sprintf("%dB", *z.Value)
}

// Type implements pflag.Value.
func (z *Size) Type() string { return "SIZE" }
