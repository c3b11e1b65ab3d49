package payment

import "strings"

// The active ISO 4217 codes (list one of the maintenance agency, amendments up to the euro's arrival in
// Bulgaria on 2026-01-01) grouped by exponent, the number of decimals of the currency. Codes without a
// minor unit (metals, XDR, XSU, XUA, XTS, XXX) are left out: nothing can be bought with them. Withdrawn
// lately and left out too: HRK 2023, ZWL 2024 (now ZWG), SLL 2024 (SLE), CUC and ANG 2025 (CUP, XCG),
// BGN 2026 (EUR).
const (
	exponent0 = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
	exponent2 = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD " +
		"CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP " +
		"GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK " +
		"LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO " +
		"NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS " +
		"SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST " +
		"XAD XCD XCG YER ZAR ZMW ZWG"
	exponent3 = "BHD IQD JOD KWD LYD OMR TND"
	exponent4 = "CLF UYW"
)

// exponent gives the number of decimals of a currency (0 for JPY, 2 for EUR, 3 for KWD, 4 for CLF) and
// whether the code is an active one.
func exponent(code string) (int, bool) {
	if len(code) != 3 || strings.Contains(code, " ") {
		return 0, false
	}
	switch {
	case strings.Contains(exponent2, code):
		return 2, true
	case strings.Contains(exponent0, code):
		return 0, true
	case strings.Contains(exponent3, code):
		return 3, true
	case strings.Contains(exponent4, code):
		return 4, true
	}
	return 0, false
}
