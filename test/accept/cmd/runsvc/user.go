package main

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// identity is who a container's process is.
type identity struct {
	uid, gid int
	groups   []int
	home     string
}

// lookup finds "USER[:GROUP]", names or numbers, in the account files of the
// image. As with Docker, a number that is in no file is fine, and its group is
// root's unless one is given.
func lookup(root, spec string) (identity, error) {
	user, group, withGroup := strings.Cut(spec, ":")
	if user == "" {
		user = "0"
	}
	who := identity{home: "/"}
	name := ""
	number, notNumber := strconv.Atoi(user)
	err := accounts(filepath.Join(root, "etc/passwd"), 6, func(f []string) bool {
		if f[0] != user && f[2] != user {
			return false
		}
		name, who.home = f[0], f[5]
		number, notNumber = strconv.Atoi(f[2])
		who.gid, _ = strconv.Atoi(f[3])
		return true
	})
	if err != nil {
		return who, err
	}
	if notNumber != nil {
		return who, fmt.Errorf("find user %s", user)
	}
	who.uid = number
	if withGroup {
		if who.gid, err = groupNumber(root, group); err != nil {
			return who, err
		}
		return who, nil
	}
	return who, accounts(filepath.Join(root, "etc/group"), 4, func(f []string) bool {
		for member := range strings.SplitSeq(f[3], ",") {
			if gid, err := strconv.Atoi(f[2]); err == nil && name != "" && member == name {
				who.groups = append(who.groups, gid)
			}
		}
		return false
	})
}

func groupNumber(root, group string) (int, error) {
	number, notNumber := strconv.Atoi(group)
	err := accounts(filepath.Join(root, "etc/group"), 3, func(f []string) bool {
		if f[0] != group {
			return false
		}
		number, notNumber = strconv.Atoi(f[2])
		return true
	})
	if err == nil && notNumber != nil {
		err = fmt.Errorf("find group %s", group)
	}
	return number, err
}

// accounts calls each with the fields of each line that has enough of them,
// until it returns true. A file that is not there has no lines.
func accounts(file string, least int, each func([]string) bool) error {
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	for s.Scan() {
		if fields := strings.Split(s.Text(), ":"); len(fields) >= least && each(fields) {
			break
		}
	}
	return s.Err()
}
