package portal

import (
	"slices"
	"strings"

	"github.com/sheaf-hub/sheaf/web/ui"
)

// zoneNames are time zones to choose from: one or more for every offset that
// people live by. Any other IANA name that is set already is offered too.
const zoneNames = `Africa/Cairo Africa/Casablanca Africa/Johannesburg Africa/Lagos Africa/Nairobi Africa/Tunis
America/Anchorage America/Argentina/Buenos_Aires America/Bogota America/Caracas America/Chicago America/Denver America/Edmonton America/Halifax America/Lima
America/Los_Angeles America/Mexico_City America/Montevideo America/New_York America/Panama America/Phoenix America/Puerto_Rico America/Santiago America/Sao_Paulo
America/St_Johns America/Toronto America/Vancouver America/Winnipeg
Asia/Almaty Asia/Amman Asia/Baghdad Asia/Baku Asia/Bangkok Asia/Beirut Asia/Colombo Asia/Dhaka Asia/Dubai Asia/Ho_Chi_Minh Asia/Hong_Kong Asia/Jakarta Asia/Jerusalem
Asia/Kabul Asia/Karachi Asia/Kathmandu Asia/Kolkata Asia/Kuala_Lumpur Asia/Kuwait Asia/Manila Asia/Qatar Asia/Riyadh Asia/Seoul Asia/Shanghai Asia/Singapore
Asia/Taipei Asia/Tashkent Asia/Tbilisi Asia/Tehran Asia/Tokyo Asia/Yangon Asia/Yerevan
Atlantic/Azores Atlantic/Reykjavik
Australia/Adelaide Australia/Brisbane Australia/Darwin Australia/Hobart Australia/Melbourne Australia/Perth Australia/Sydney
Europe/Amsterdam Europe/Athens Europe/Belgrade Europe/Berlin Europe/Brussels Europe/Bucharest Europe/Budapest Europe/Copenhagen Europe/Dublin Europe/Helsinki
Europe/Istanbul Europe/Kyiv Europe/Lisbon Europe/Ljubljana Europe/London Europe/Luxembourg Europe/Madrid Europe/Malta Europe/Moscow Europe/Oslo Europe/Paris
Europe/Prague Europe/Riga Europe/Rome Europe/Sofia Europe/Stockholm Europe/Tallinn Europe/Vienna Europe/Vilnius Europe/Warsaw Europe/Zagreb Europe/Zurich
Pacific/Auckland Pacific/Fiji Pacific/Guam Pacific/Honolulu UTC`

func zoneOptions(current string) []ui.Option {
	names := strings.Fields(zoneNames)
	if current != "" && !slices.Contains(names, current) {
		names = append(names, current)
		slices.Sort(names)
	}
	options := make([]ui.Option, len(names))
	for i, name := range names {
		options[i] = ui.Option{Value: name, Label: strings.ReplaceAll(name, "_", " ")}
	}
	return options
}
