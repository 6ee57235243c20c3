package ui

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"path"
	"strings"
	"sync"
)

// AssetPrefix is where the assets are served; everything under it may be
// cached for ever, since a changed file has another URL.
const AssetPrefix = "/assets/"

//go:embed assets/sheaf.css assets/sheaf.js assets/sheaf.svg
var assetFiles embed.FS

type asset struct {
	url         string
	contentType string
	content     []byte
}

// assets is read once; it is never written after.
var assets = sync.OnceValue(func() map[string]asset {
	found := map[string]asset{}
	entries, err := fs.ReadDir(assetFiles, "assets")
	if err != nil {
		panic("ui: the embedded assets are gone: " + err.Error())
	}
	for _, entry := range entries {
		content, err := assetFiles.ReadFile("assets/" + entry.Name())
		if err != nil {
			panic("ui: the embedded assets are gone: " + err.Error())
		}
		sum := sha256.Sum256(content)
		ext := path.Ext(entry.Name())
		base := strings.TrimSuffix(entry.Name(), ext)
		found[entry.Name()] = asset{
			url:         AssetPrefix + base + "-" + hex.EncodeToString(sum[:6]) + ext,
			contentType: assetType(ext),
			content:     content,
		}
	}
	return found
})

func assetType(ext string) string {
	switch ext {
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	default:
		return "image/svg+xml"
	}
}

// Asset is the URL of an embedded file, with a hash of its content. It panics
// for a name that is not embedded: that is a mistake in a template.
func Asset(name string) string {
	found, ok := assets()[name]
	if !ok {
		panic("ui: no asset " + name)
	}
	return found.url
}

// OpenAsset is the content behind a URL path that Asset gave, and its content
// type; not ok for any other path, such as that of an older release.
func OpenAsset(urlPath string) (content []byte, contentType string, ok bool) {
	for _, candidate := range assets() {
		if candidate.url == urlPath {
			return candidate.content, candidate.contentType, true
		}
	}
	return nil, "", false
}
