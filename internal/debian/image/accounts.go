package image

import (
	"bytes"
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// accounts is the content of the account files. shadow and gshadow are nil in
// images that have none.
type accounts struct{ passwd, group, shadow, gshadow []byte }

// addAccounts puts the request's groups and users into a, writes the files into
// g, and makes the homes.
func (b *builder) addAccounts(g *generated, a accounts) error {
	for _, group := range b.Spec.Groups {
		if err := a.addGroup(group.Name, group.GID); err != nil {
			return b.errorf("%w", err)
		}
	}
	for _, u := range b.Spec.Users {
		u.Home, u.Shell = cmp.Or(u.Home, "/home/"+u.Name), cmp.Or(u.Shell, "/sbin/nologin")
		added, err := a.addUser(u, b.Epoch)
		if err != nil {
			return b.errorf("%w", err)
		}
		if home := imagePath(u.Home); added && home != "nonexistent" && home != "" && g.meta(home) == plainDir && !b.tree.has(home) {
			g.dir(home, 0o700, u.UID, u.GID)
		}
	}
	g.file("etc/passwd", 0o644, 0, 0, a.passwd)
	g.file("etc/group", 0o644, 0, 0, a.group)
	if a.shadow != nil {
		g.file("etc/shadow", 0o640, 0, shadowGID, a.shadow)
	}
	if a.gshadow != nil {
		g.file("etc/gshadow", 0o640, 0, shadowGID, a.gshadow)
	}
	return nil
}

// shadowGID is the group shadow of base-passwd.
const shadowGID = 42

// addGroup adds a group. The same group once more is fine; another number is an error.
func (a *accounts) addGroup(name string, gid int) error {
	if have, ok := field(a.group, name, 2); ok {
		if have != strconv.Itoa(gid) {
			return fmt.Errorf("group %s has number %s already, not %d", name, have, gid)
		}
		return nil
	}
	a.group = line(a.group, fmt.Sprintf("%s:x:%d:", name, gid))
	if a.gshadow != nil {
		a.gshadow = line(a.gshadow, name+":!::")
	}
	return nil
}

// addUser adds a user and, when nobody has its number, a group of its name. The
// same user once more is fine and changes nothing; another number is an error.
func (a *accounts) addUser(u User, epoch int64) (added bool, err error) {
	if have, ok := field(a.passwd, u.Name, 2); ok {
		if have != strconv.Itoa(u.UID) {
			return false, fmt.Errorf("user %s has number %s already, not %d", u.Name, have, u.UID)
		}
		return false, nil
	}
	if !hasNumber(a.group, u.GID) {
		if err := a.addGroup(u.Name, u.GID); err != nil {
			return false, err
		}
	}
	a.passwd = line(a.passwd, fmt.Sprintf("%s:x:%d:%d::%s:%s", u.Name, u.UID, u.GID, u.Home, u.Shell))
	if a.shadow != nil {
		a.shadow = line(a.shadow, fmt.Sprintf("%s:!:%d::::::", u.Name, epoch/secondsPerDay))
	}
	return true, nil
}

const secondsPerDay = 24 * 60 * 60

// line appends a line to a file that may lack its last newline.
func line(data []byte, text string) []byte {
	data = bytes.Clone(data)
	if len(data) > 0 && data[len(data)-1] != '\n' {
		data = append(data, '\n')
	}
	return append(append(data, text...), '\n')
}

// field is the i-th field of the line that begins with name.
func field(data []byte, name string, i int) (string, bool) {
	for l := range strings.SplitSeq(string(data), "\n") {
		if f := strings.Split(l, ":"); f[0] == name && len(f) > i {
			return f[i], true
		}
	}
	return "", false
}

// hasNumber says whether a group has this number.
func hasNumber(group []byte, gid int) bool {
	for l := range strings.SplitSeq(string(group), "\n") {
		if f := strings.Split(l, ":"); len(f) > 2 && f[2] == strconv.Itoa(gid) {
			return true
		}
	}
	return false
}
