package sim

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// sector is what a disk writes at once or not at all, in bytes.
const sector = 512

// fault is what a disk does from one operation on.
type fault int

const (
	healthy fault = iota
	failing       // every write and sync fails, and changes nothing
	full          // the same, for want of room
	dead          // the power is off: what follows never happened
)

// change is a write or a truncation that was not synced.
type change struct {
	at       int64
	data     []byte // nil: truncated to at
	truncate bool
}

// file is what the disk knows of one.
type file struct {
	durable []byte
	pending []change
}

// disk watches the files below its folder. A power cut leaves of each what was synced, and of the changes
// since what chance keeps.
type disk struct {
	dir string

	mu    sync.Mutex
	files map[string]*file
	ops   int           // writes, truncations and syncs so far
	plan  map[int]fault // by number of operation
	state fault
	r     *rand.Rand
	off   bool // its life is over: what is closed now counts for nothing
}

// layer is the one sqlite3_vfs of this process; disks register with it by their folder.
type layer struct {
	mu    sync.Mutex
	disks map[string]*disk
	open  map[uintptr]opened // by sqlite3_file
	under uintptr            // the system's vfs
	over  map[uintptr]uintptr
	alive []any
}

type opened struct {
	disk    *disk
	path    string
	methods uintptr // the system's
}

const layerName = "simdisk"

// theLayer is made once: SQLite knows a vfs by its name for the whole process.
var theLayer = sync.OnceValue(func() *layer {
	l := &layer{disks: map[string]*disk{}, open: map[uintptr]opened{}, over: map[uintptr]uintptr{}}
	tls := libc.NewTLS()
	l.under = sqlite3.Xsqlite3_vfs_find(tls, 0)
	name, err := libc.CString(layerName)
	if err != nil {
		panic(err)
	}
	mem := libc.Xmalloc(tls, libc.Tsize_t(unsafe.Sizeof(sqlite3.Tsqlite3_vfs{})))
	own := at[sqlite3.Tsqlite3_vfs](mem)
	*own = *at[sqlite3.Tsqlite3_vfs](l.under)
	own.FpNext, own.FzName, own.FxOpen, own.FxDelete = 0, name, l.pointer(l.xOpen), l.pointer(l.xDelete)
	if sqlite3.Xsqlite3_vfs_register(tls, mem, 0) != sqlite3.SQLITE_OK {
		panic("register vfs")
	}
	return l
})

// at views C memory, which Go's collector does not know.
func at[T any](p uintptr) *T { return (*T)(*(*unsafe.Pointer)(unsafe.Pointer(&p))) }

// pointer gives a Go function the form of a C one, as the translated SQLite calls it. C memory keeps nothing
// alive, so the layer does.
func (l *layer) pointer(f any) uintptr {
	l.alive = append(l.alive, f)
	return (*[2]uintptr)(unsafe.Pointer(&f))[1]
}

// call views a C function pointer as a Go function.
func call[F any](p uintptr) F { return *(*F)(unsafe.Pointer(&p)) }

type (
	delFunc   = func(*libc.TLS, uintptr, uintptr, int32) int32
	openFunc  = func(*libc.TLS, uintptr, uintptr, uintptr, int32, uintptr) int32
	closeFunc = func(*libc.TLS, uintptr) int32
	writeFunc = func(*libc.TLS, uintptr, uintptr, int32, sqlite3.Tsqlite3_int64) int32
	truncFunc = func(*libc.TLS, uintptr, sqlite3.Tsqlite3_int64) int32
)

func (l *layer) xOpen(tls *libc.TLS, _, name, f uintptr, flags int32, out uintptr) int32 {
	rc := call[openFunc](at[sqlite3.Tsqlite3_vfs](l.under).FxOpen)(tls, l.under, name, f, flags, out)
	methods := at[uintptr](f)
	if rc != sqlite3.SQLITE_OK || name == 0 || *methods == 0 {
		return rc
	}
	path := libc.GoString(name)
	l.mu.Lock()
	defer l.mu.Unlock()
	d := l.disks[filepath.Dir(path)]
	if d == nil {
		return rc
	}
	l.open[f] = opened{d, path, *methods}
	if l.over[*methods] == 0 {
		mem := libc.Xmalloc(tls, libc.Tsize_t(unsafe.Sizeof(sqlite3.Tsqlite3_io_methods{})))
		own := at[sqlite3.Tsqlite3_io_methods](mem)
		*own = *at[sqlite3.Tsqlite3_io_methods](*methods)
		own.FxClose, own.FxWrite = l.pointer(l.xClose), l.pointer(l.xWrite)
		own.FxTruncate, own.FxSync = l.pointer(l.xTruncate), l.pointer(l.xSync)
		l.over[*methods] = mem
	}
	*methods = l.over[*methods]
	return rc
}

func (l *layer) of(f uintptr) (opened, *sqlite3.Tsqlite3_io_methods) {
	l.mu.Lock()
	defer l.mu.Unlock()
	o := l.open[f]
	return o, at[sqlite3.Tsqlite3_io_methods](o.methods)
}

func (l *layer) xClose(tls *libc.TLS, f uintptr) int32 {
	_, m := l.of(f)
	l.mu.Lock()
	delete(l.open, f)
	l.mu.Unlock()
	return call[closeFunc](m.FxClose)(tls, f)
}

// xDelete forgets a file. That its entry in the folder might survive a power cut is left out: it would
// hold what was moved into the main file and synced there before.
func (l *layer) xDelete(tls *libc.TLS, _, name uintptr, sync int32) int32 {
	path := libc.GoString(name)
	l.mu.Lock()
	d := l.disks[filepath.Dir(path)]
	l.mu.Unlock()
	if d != nil {
		if rc := d.remove(path); rc != sqlite3.SQLITE_OK {
			return rc
		}
	}
	return call[delFunc](at[sqlite3.Tsqlite3_vfs](l.under).FxDelete)(tls, l.under, name, sync)
}

func (l *layer) xWrite(tls *libc.TLS, f, data uintptr, n int32, offset sqlite3.Tsqlite3_int64) int32 {
	o, m := l.of(f)
	bytes := append([]byte(nil), libc.GoBytes(data, int(n))...)
	if rc := o.disk.change(o.path, change{at: int64(offset), data: bytes}); rc != sqlite3.SQLITE_OK {
		return rc
	}
	return call[writeFunc](m.FxWrite)(tls, f, data, n, offset)
}

func (l *layer) xTruncate(tls *libc.TLS, f uintptr, size sqlite3.Tsqlite3_int64) int32 {
	o, m := l.of(f)
	if rc := o.disk.change(o.path, change{at: int64(size), truncate: true}); rc != sqlite3.SQLITE_OK {
		return rc
	}
	return call[truncFunc](m.FxTruncate)(tls, f, size)
}

// xSync tells the model and spares the real disk the work: what counts is what was asked for.
func (l *layer) xSync(_ *libc.TLS, f uintptr, _ int32) int32 {
	o, _ := l.of(f)
	return o.disk.sync(o.path)
}

// newDisk watches the files of a folder, whose present content is durable.
func newDisk(dir string, r *rand.Rand) (*disk, error) {
	d := &disk{dir: dir, files: map[string]*file{}, plan: map[int]fault{}, r: r}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		d.files[filepath.Join(dir, e.Name())] = &file{durable: data}
	}
	l := theLayer()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.disks[dir] = d
	return d, nil
}

// release lets the life's files be closed.
func (d *disk) release() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.off = true
}

func (d *disk) unplug() {
	l := theLayer()
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.disks, d.dir)
}

// tick counts an operation and says what becomes of it. The caller holds mu.
func (d *disk) tick(otherwise int32) int32 {
	d.ops++
	if f, planned := d.plan[d.ops]; planned && d.state != dead {
		d.state = f
	}
	switch d.state {
	case failing, dead:
		return otherwise
	case full:
		return sqlite3.SQLITE_FULL
	case healthy:
	}
	return sqlite3.SQLITE_OK
}

func (d *disk) change(path string, c change) int32 {
	d.mu.Lock()
	defer d.mu.Unlock()
	if strings.HasSuffix(path, "-shm") {
		return sqlite3.SQLITE_OK
	}
	if rc := d.tick(sqlite3.SQLITE_IOERR_WRITE); rc != sqlite3.SQLITE_OK {
		return rc
	}
	f := d.files[path]
	if f == nil {
		f = &file{}
		d.files[path] = f
	}
	f.pending = append(f.pending, c)
	return sqlite3.SQLITE_OK
}

func (d *disk) remove(path string) int32 {
	d.mu.Lock()
	defer d.mu.Unlock()
	if rc := d.tick(sqlite3.SQLITE_IOERR_DELETE); rc != sqlite3.SQLITE_OK {
		return rc
	}
	delete(d.files, path)
	return sqlite3.SQLITE_OK
}

func (d *disk) sync(path string) int32 {
	d.mu.Lock()
	defer d.mu.Unlock()
	rc := d.tick(sqlite3.SQLITE_IOERR_FSYNC)
	f := d.files[path]
	if f == nil || d.state == dead {
		return rc
	}
	// After a sync that failed the kernel holds the pages for clean and never writes them again: who reads sees
	// them, and the next sync says that all is well. Which of them reached the disk, nobody knows.
	for _, c := range f.pending {
		if rc == sqlite3.SQLITE_OK || d.r.IntN(2) == 0 {
			f.durable = c.apply(f.durable, nil)
		}
	}
	f.pending = nil
	return rc
}

// rewrite is journal.Rewrite on this disk: what a reader sees is written anew and synced.
func (d *disk) rewrite(path string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.off {
		return nil
	}
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for range 2 { // its write and its sync
		if d.tick(sqlite3.SQLITE_IOERR_WRITE) != sqlite3.SQLITE_OK {
			return syscall.EIO
		}
	}
	d.files[path] = &file{durable: content}
	return nil
}

// apply makes the change to a file's content; keep says which of its sectors reach the disk, nil: all.
func (c change) apply(content []byte, keep func() bool) []byte {
	if c.truncate {
		if int64(len(content)) > c.at {
			return content[:c.at:c.at]
		}
		return append(content, make([]byte, c.at-int64(len(content)))...)
	}
	if end := c.at + int64(len(c.data)); int64(len(content)) < end {
		content = append(content, make([]byte, end-int64(len(content)))...)
	}
	for from := 0; from < len(c.data); {
		to := min(len(c.data), from+sector-int((c.at+int64(from))%sector))
		if keep == nil || keep() {
			copy(content[c.at+int64(from):], c.data[from:to])
		}
		from = to
	}
	return content
}

// fails makes the disk do f at its next operation but n.
func (d *disk) fails(n int, f fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.plan[d.ops+n+1] = f
}

func (d *disk) is() fault {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.state
}

// writes is how many operations there were; a program that does not know yet that the power is cut goes on.
func (d *disk) writes() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ops
}

func (d *disk) set(f fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.state != dead {
		d.state = f
	}
	d.plan = map[int]fault{}
}

// cut ends the power and gives the files as the next start finds them: what was synced, and of what was not
// each change wholly, in part or not at all, in no order.
func (d *disk) cut() map[string][]byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.state = dead
	left := map[string][]byte{}
	for path, f := range d.files {
		content := append([]byte(nil), f.durable...)
		for _, c := range f.pending {
			switch d.r.IntN(3) {
			case 0:
				content = c.apply(content, nil)
			case 1:
				content = c.apply(content, func() bool { return d.r.IntN(2) == 0 })
			}
		}
		if len(content) > 0 && !strings.HasSuffix(path, "-shm") {
			left[filepath.Base(path)] = content
		}
	}
	return left
}
