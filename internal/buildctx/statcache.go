package buildctx

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// StatCache remembers the content hash of a file together with what the kernel
// said of it: device, inode, size, mode, modification and change time. A write
// that puts size and modification time back still moves the change time,
// which no ordinary program can set.
//
// The racy-clean rule is git's: a file that was changed within one tick of the
// clock in which it was hashed could change again without a trace, so such a
// hash is used once and not remembered. The tick is taken as 20 ms, twice the
// coarsest kernel clock (CONFIG_HZ=100).
//
// Known flaw: on file systems without stable inode numbers or change times
// (some FUSE and network ones) files are hashed more often than needed.
type StatCache struct {
	path  string
	now   func() time.Time
	mu    sync.Mutex
	old   map[string]stamp // as loaded
	fresh map[string]stamp // confirmed or hashed in this run
	dirty bool
}

// stamp is fixed in size so that a cache of thousands of files loads in a millisecond or two.
type stamp struct {
	Dev, Ino     uint64
	Size         int64
	Mode         uint32
	Mtime, Ctime int64 // nanoseconds
	Sum          [sha256.Size]byte
}

const (
	cacheMagic = "plinth-stat-1\n"
	tick       = 20 * time.Millisecond
)

// LoadStatCache reads the cache at path. A missing or damaged cache is empty:
// it can only make a run slower.
func LoadStatCache(path string) *StatCache {
	c := &StatCache{path: path, now: time.Now, old: map[string]stamp{}, fresh: map[string]stamp{}}
	data, err := os.ReadFile(path)
	if err != nil || !bytes.HasPrefix(data, []byte(cacheMagic)) || len(data) < len(cacheMagic)+sha256.Size {
		return c
	}
	body, sum := data[len(cacheMagic):len(data)-sha256.Size], data[len(data)-sha256.Size:]
	if want := sha256.Sum256(body); !bytes.Equal(sum, want[:]) {
		return c
	}
	size := binary.Size(stamp{})
	for len(body) >= 4 {
		n := int(binary.LittleEndian.Uint32(body))
		body = body[4:]
		if n < 0 || len(body) < n+size {
			break
		}
		var s stamp
		if _, err := binary.Decode(body[n:], binary.LittleEndian, &s); err != nil {
			break
		}
		c.old[string(body[:n])] = s
		body = body[n+size:]
	}
	return c
}

// Sum returns the SHA-256 of the regular file's content in hex. info is its fresh Lstat.
func (c *StatCache) Sum(path string, info fs.FileInfo) (string, error) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || c == nil {
		sum, err := hashFile(path)
		if err != nil {
			return "", err
		}
		return hex.EncodeToString(sum[:]), nil
	}
	s := stamp{Dev: st.Dev, Ino: st.Ino, Size: st.Size, Mode: st.Mode, Mtime: st.Mtim.Nano(), Ctime: st.Ctim.Nano()}
	c.mu.Lock()
	known, ok := c.fresh[path]
	if !ok {
		known, ok = c.old[path]
	}
	c.mu.Unlock()
	if ok {
		s.Sum = known.Sum
		if s == known {
			c.remember(path, s, false)
			return hex.EncodeToString(s.Sum[:]), nil
		}
	}
	began := c.now()
	sum, err := hashFile(path)
	if err != nil {
		return "", err
	}
	s.Sum = sum
	if began.UnixNano()-max(s.Ctime, s.Mtime) > int64(tick) {
		c.remember(path, s, true)
	}
	return hex.EncodeToString(sum[:]), nil
}

func (c *StatCache) remember(path string, s stamp, dirty bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fresh[path] = s
	c.dirty = c.dirty || dirty
}

// Save writes the cache, whole or not at all, when something was learnt.
// Entries that this run did not look at stay while their files exist.
func (c *StatCache) Save() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.dirty {
		return nil
	}
	for path, s := range c.old {
		if _, ok := c.fresh[path]; ok {
			continue
		}
		if _, err := os.Lstat(path); err == nil {
			c.fresh[path] = s
		}
	}
	var body []byte
	for path, s := range c.fresh {
		body = binary.LittleEndian.AppendUint32(body, uint32(len(path)))
		body = append(body, path...)
		var err error
		if body, err = binary.Append(body, binary.LittleEndian, s); err != nil {
			return err
		}
	}
	sum := sha256.Sum256(body)
	if err := os.MkdirAll(filepath.Dir(c.path), 0o755); err != nil {
		return err
	}
	tmp := c.path + ".tmp" // one writer at a time: the state folder is locked
	err := os.WriteFile(tmp, append(append([]byte(cacheMagic), body...), sum[:]...), 0o644)
	if err == nil {
		err = os.Rename(tmp, c.path)
	}
	if err == nil {
		c.old, c.dirty = c.fresh, false
		c.fresh = map[string]stamp{}
	}
	return err
}

func hashFile(path string) (sum [sha256.Size]byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return sum, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return sum, err
	}
	h.Sum(sum[:0])
	return sum, nil
}
