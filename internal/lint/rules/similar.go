package rules

import "strings"

// similar finds a name that differs in at most two letters, "" for none.
func similar(name string, others []string) string {
	best, found := min(3, (len(name)+1)/2), ""
	for _, o := range others {
		if d := distance(name, o); d > 0 && d < best {
			best, found = d, o
		}
	}
	return found
}

// slip finds a name that was surely meant: the same in another case, with one letter too many or too few, or
// with two letters swapped. Another letter in a place is no slip: NB_UID and NB_GID are two things.
func slip(name string, others []string) string {
	for _, o := range others {
		if o == name {
			continue
		}
		if strings.EqualFold(o, name) || len(name) > 4 && (oneMore(o, name) || oneMore(name, o) || swapped(o, name)) {
			return o
		}
	}
	return ""
}

// oneMore says whether the longer word is the other one with a letter put in.
func oneMore(long, short string) bool {
	if len(long) != len(short)+1 {
		return false
	}
	for i := range long {
		if long[:i]+long[i+1:] == short {
			return long[i] < '0' || long[i] > '9'
		}
	}
	return false
}

func swapped(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := 0; i+1 < len(a); i++ {
		if a[i] != b[i] {
			return a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
		}
	}
	return false
}

// distance is how many letters have to be put in, taken out or changed to make one word of another.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		left := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := left
			if a[i-1] != b[j-1] {
				cost++
			}
			left = row[j]
			row[j] = min(cost, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}
