package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

// FolderDescriptor describes the kind "folder".
func FolderDescriptor() connectors.Descriptor {
	return connectors.Descriptor{Kind: "folder", Title: "Watched folder", Summary: "Reads tables and e-invoices that are put into a folder on the hub's machine.",
		Deletions: true, Fields: commonFields("Below the folder that the hub's operator keeps for you; empty: that folder itself.")}
}

// NewFolder makes the constructor of connections to folders below the one that the
// hub keeps for the vendor: root, in it a folder with the vendor's id as its name,
// in it the path of the settings. No link and no ".." leads out of the vendor's
// folder, so vendors do not see each other's files. An empty root says that this
// hub offers no folders.
func NewFolder(root string) func(settings map[string]string, deps connectors.Deps) (connectors.Connector, error) {
	return func(settings map[string]string, deps connectors.Deps) (connectors.Connector, error) {
		client, err := newFolder(root, settings, deps)
		if err != nil {
			return nil, err
		}
		return client, nil
	}
}

func newFolder(root string, settings map[string]string, deps connectors.Deps) (*Client, error) {
	if root == "" || deps.Vendor == "" || !filepath.IsLocal(deps.Vendor) || strings.ContainsAny(deps.Vendor, `/\`) {
		return nil, errors.New("this hub offers no folders: ask its operator, or use SFTP")
	}
	below := filepath.FromSlash(strings.Trim(settings[settingPath], "/"))
	if below == "" {
		below = "."
	}
	if !filepath.IsLocal(below) {
		return nil, fmt.Errorf("the folder %q is not below yours: write it like exports/invoices", clip(settings[settingPath]))
	}
	return newClient(FolderDescriptor(), settings, func(ctx context.Context) (place, error) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		return openFolder(filepath.Join(root, deps.Vendor), below)
	})
}

// folder is a folder of the hub's machine. os.Root refuses what leads out of it.
type folder struct{ root *os.Root }

func openFolder(own, below string) (place, error) {
	root, err := os.OpenRoot(own)
	if err != nil {
		return nil, noFolder("the hub's operator has not made your folder yet", err)
	}
	defer root.Close()
	sub, err := root.OpenRoot(below)
	if err != nil {
		return nil, noFolder(fmt.Sprintf("the folder %q cannot be read", clip(filepath.ToSlash(below))), err)
	}
	return folder{sub}, nil
}

// noFolder keeps the paths of the hub's machine out of words for the vendor.
func noFolder(words string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: it is not there", words)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s: the hub may not read it", words)
	}
	return fmt.Errorf("%s", words)
}

func (f folder) close() { _ = f.root.Close() } // only read

func (f folder) list(ctx context.Context) ([]file, error) {
	dir, err := f.root.Open(".")
	if err != nil {
		return nil, noFolder("the folder cannot be read", err)
	}
	defer dir.Close()
	var files []file
	for count := 0; ; {
		entries, err := dir.ReadDir(256)
		if count += len(entries); count > 10*MostFiles {
			return nil, fmt.Errorf("there are more than %d things in the folder; move away those that are done", 10*MostFiles)
		}
		for _, entry := range entries {
			info, err := f.root.Lstat(entry.Name())
			if err == nil && info.Mode().IsRegular() { // else it is gone, or no file
				files = append(files, file{entry.Name(), info.Size(), info.ModTime()})
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return files, nil
		case err != nil:
			return nil, noFolder("the folder cannot be read", err)
		case ctx.Err() != nil:
			return nil, ctx.Err()
		}
	}
}

// read does not wait for a writer, should a pipe have taken the file's place.
func (f folder) read(_ context.Context, name string) (io.ReadCloser, error) {
	opened, err := f.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, noFolder(fmt.Sprintf("the file %q cannot be read", clip(name)), err)
	}
	info, err := opened.Stat()
	if err != nil || !info.Mode().IsRegular() {
		opened.Close()
		return nil, fmt.Errorf("%w: %q is no file any more", connectors.ErrUnreachable, clip(name))
	}
	return opened, nil
}
