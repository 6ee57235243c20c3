package pdf

import (
	"bytes"
	"compress/flate"
	"encoding/ascii85"
	"fmt"
	"io"
)

const maxFilters = 8

// decode undoes the filters of a stream, within the limits. Damage at the end
// of the data leaves what could be read before it.
func (d *document) decode(s *stream) ([]byte, error) {
	filters, params := d.filters(s.dict)
	if len(filters) > maxFilters {
		return nil, fmt.Errorf("%w: %d filters on one stream", ErrLimit, len(filters))
	}
	data := s.raw
	for i, filter := range filters {
		out, err := d.unfilter(filter, params[i], data)
		if err != nil {
			return nil, err
		}
		if err := d.spend(len(out)); err != nil {
			return nil, err
		}
		data = out
	}
	if len(data) > d.limits.File {
		return nil, fmt.Errorf("%w: a stream of more than %d bytes", ErrLimit, d.limits.File)
	}
	return data, nil
}

func (d *document) filters(entries dict) ([]name, []dict) {
	var filters []name
	var params []dict
	switch filter := d.resolve(entries["Filter"]).(type) {
	case name:
		filters = append(filters, filter)
		params = append(params, d.firstDict(entries["DecodeParms"]))
	case array:
		list, _ := d.resolve(entries["DecodeParms"]).(array)
		for i, item := range filter {
			one, isName := d.resolve(item).(name)
			if !isName {
				continue
			}
			filters = append(filters, one)
			var param dict
			if i < len(list) {
				param = d.dictAt(list[i])
			}
			params = append(params, param)
		}
	}
	return filters, params
}

func (d *document) firstDict(o object) dict {
	o = d.resolve(o)
	if list, isArray := o.(array); isArray && len(list) > 0 {
		o = d.resolve(list[0])
	}
	return asDict(o)
}

func (d *document) unfilter(filter name, params dict, data []byte) ([]byte, error) {
	switch filter {
	case "FlateDecode", "Fl":
		out, err := d.inflate(data)
		if err != nil {
			return nil, err
		}
		return d.unpredict(out, params)
	case "LZWDecode", "LZW":
		early := 1
		if value, ok := asInt(d.resolve(params["EarlyChange"])); ok {
			early = value
		}
		out, err := unLZW(data, early, d.most(len(data)))
		if err != nil {
			return nil, err
		}
		return d.unpredict(out, params)
	case "ASCIIHexDecode", "AHx":
		l := &lexer{data: append([]byte("<"), data...)}
		out, _ := l.hex().(str)
		return out, nil
	case "ASCII85Decode", "A85":
		return un85(data)
	case "RunLengthDecode", "RL":
		return unRun(data, d.most(len(data)))
	case "Crypt": // its work was done when the stream was read
		return data, nil
	}
	return nil, fmt.Errorf("%w: the filter %q is not supported", ErrBroken, string(filter))
}

// most is how far data of this length may swell.
func (d *document) most(packed int) int {
	return min(d.limits.File, 1<<20+packed*d.limits.Ratio)
}

// inflate reads zlib data and does not mind a missing header, a wrong checksum
// or a missing end: invoices with those are in circulation.
func (d *document) inflate(data []byte) ([]byte, error) {
	most := d.most(len(data))
	body := bytes.TrimLeft(data, "\r\n")
	if len(body) < 2 {
		return nil, nil
	}
	if body[0]&0x0F == 8 && (int(body[0])<<8|int(body[1]))%31 == 0 {
		body = body[2:]
	}
	reader := flate.NewReader(bytes.NewReader(body))
	out, err := io.ReadAll(io.LimitReader(reader, int64(most)+1))
	if len(out) > most {
		return nil, fmt.Errorf("%w: a stream swells to more than %d bytes", ErrLimit, most)
	}
	if err != nil && len(out) == 0 {
		return nil, fmt.Errorf("%w: a compressed stream cannot be read", ErrBroken)
	}
	return out, nil
}

func un85(data []byte) ([]byte, error) {
	data = bytes.TrimPrefix(bytes.TrimSpace(data), []byte("<~"))
	if end := bytes.IndexByte(data, '~'); end >= 0 {
		data = data[:end]
	}
	out := make([]byte, len(data)*4+8)
	n, _, err := ascii85.Decode(out, data, true)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrBroken, err)
	}
	return out[:n], nil
}

func unRun(data []byte, most int) ([]byte, error) {
	var out []byte
	for i := 0; i < len(data) && data[i] != 128; {
		length := int(data[i])
		i++
		switch {
		case length < 128:
			end := min(i+length+1, len(data))
			out = append(out, data[i:end]...)
			i = end
		case i < len(data):
			out = append(out, bytes.Repeat(data[i:i+1], 257-length)...)
			i++
		}
		if len(out) > most {
			return nil, fmt.Errorf("%w: a stream swells to more than %d bytes", ErrLimit, most)
		}
	}
	return out, nil
}

// unpredict undoes PNG and TIFF prediction.
func (d *document) unpredict(data []byte, params dict) ([]byte, error) {
	predictor := d.param(params, "Predictor", 1)
	if predictor < 2 {
		return data, nil
	}
	colors, bitsEach, columns := d.param(params, "Colors", 1), d.param(params, "BitsPerComponent", 8), d.param(params, "Columns", 1)
	if colors < 1 || colors > 64 || bitsEach < 1 || bitsEach > 32 || columns < 1 || columns > 1<<22 {
		return nil, fmt.Errorf("%w: a predictor of impossible size", ErrBroken)
	}
	pixel := max(1, colors*bitsEach/8)
	row := (colors*bitsEach*columns + 7) / 8
	if predictor == 2 {
		return unTIFF(data, row, pixel, bitsEach), nil
	}
	return unPNG(data, row, pixel), nil
}

func (d *document) param(params dict, key name, standard int) int {
	if value, ok := asInt(d.resolve(params[key])); ok {
		return value
	}
	return standard
}

func unTIFF(data []byte, row, pixel, bitsEach int) []byte {
	if bitsEach != 8 {
		return data
	}
	out := bytes.Clone(data)
	for start := 0; start < len(out); start += row {
		line := out[start:min(start+row, len(out))]
		for i := pixel; i < len(line); i++ {
			line[i] += line[i-pixel]
		}
	}
	return out
}

func unPNG(data []byte, row, pixel int) []byte {
	out := make([]byte, 0, len(data))
	above := make([]byte, row)
	for len(data) > 1 {
		kind, line := data[0], bytes.Clone(data[1:min(row+1, len(data))])
		data = data[len(line)+1:]
		for i := range line {
			var left, upLeft byte
			if i >= pixel {
				left, upLeft = line[i-pixel], above[i-pixel]
			}
			switch kind {
			case 1:
				line[i] += left
			case 2:
				line[i] += above[i]
			case 3:
				line[i] += byte((int(left) + int(above[i])) / 2)
			case 4:
				line[i] += paeth(left, above[i], upLeft)
			}
		}
		out = append(out, line...)
		copy(above, line)
	}
	return out
}

func paeth(a, b, c byte) byte {
	pa, pb := int(b)-int(c), int(a)-int(c)
	pc := pa + pb
	pa, pb, pc = max(pa, -pa), max(pb, -pb), max(pc, -pc)
	switch {
	case pa <= pb && pa <= pc:
		return a
	case pb <= pc:
		return b
	}
	return c
}
