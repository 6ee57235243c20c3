package quickbooks

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strings"

	"github.com/sheaf-hub/sheaf/hub/money"
)

// Types of transactions, as links name them.
const (
	txnInvoice = "Invoice"
	txnCredit  = "CreditMemo"
	txnPayment = "Payment"
	txnJournal = "JournalEntry"
)

// statusDeleted is the status of what change data capture lists as deleted.
const statusDeleted = "Deleted"

// ref names another record.
type ref struct {
	Value string `json:"value"`
	Name  string `json:"name,omitempty"`
}

type wireEmail struct{ Address string }

// head is what every record has.
type head struct {
	ID       string `json:"Id"`
	Status   string `json:"status"`
	MetaData struct{ LastUpdatedTime string }
}

type wireLink struct {
	TxnID   string `json:"TxnId"`
	TxnType string `json:"TxnType"`
}

type wireCustomer struct {
	head
	DisplayName, FullyQualifiedName, CompanyName string
	GivenName, FamilyName                        string

	PrimaryEmailAddr wireEmail
	PrimaryPhone     struct{ FreeFormNumber string }
	SalesTermRef     ref
	CurrencyRef      ref
}

// wireDocument is an invoice or a credit memo.
type wireDocument struct {
	head
	DocNumber, TxnDate, DueDate, PrivateNote string

	CurrencyRef, CustomerRef, SalesTermRef ref
	CustomerMemo                           ref
	BillEmail, BillEmailCc                 wireEmail
	TotalAmt, Balance, RemainingCredit     json.Number

	Line        []wireLine
	LinkedTxn   []wireLink
	CustomField []struct{ Name, StringValue string }
}

type wireLine struct {
	Description, DetailType string

	Amount              json.Number
	SalesItemLineDetail struct {
		UnitPrice, Qty json.Number
		ItemRef        ref
	}
	LinkedTxn []wireLink
}

type wirePayment struct {
	head
	PaymentRefNum, PrivateNote string

	CustomerRef ref
	Line        []wireLine
}

type wireJournal struct {
	head
	DocNumber, PrivateNote string

	Line []struct {
		JournalEntryLineDetail struct {
			Entity struct{ EntityRef ref }
		}
	}
}

type wireTerm struct {
	ID   string `json:"Id"`
	Name string

	DueDays, DiscountDays, DiscountPercent json.Number
}

type wireAccount struct {
	ID                                             string `json:"Id"`
	Name, FullyQualifiedName, AcctNum, AccountType string

	CurrencyRef ref
}

// parseAmount reads an amount that is a JSON number, exactly. QuickBooks writes zeros
// after the point that a currency does not have, and may write large ones with an
// exponent.
func parseAmount(number json.Number, currency money.Currency) (money.Amount, error) {
	const longest = 40
	text := number.String()
	if strings.ContainsAny(text, "eE") && len(text) <= longest {
		text = withoutExponent(text)
	}
	if whole, part, fraction := strings.Cut(text, "."); fraction {
		if part = strings.TrimRight(part, "0"); part == "" {
			text = whole
		} else {
			text = whole + "." + part
		}
	}
	return money.Parse(text, currency)
}

func withoutExponent(text string) string {
	const mostDigits = 2 // of an exponent
	at := strings.IndexAny(text, "eE")
	if len(strings.TrimLeft(text[at+1:], "+-")) > mostDigits {
		return text
	}
	value, ok := new(big.Rat).SetString(text)
	if !ok {
		return text
	}
	plain := value.FloatString(longestFraction)
	if again, ok := new(big.Rat).SetString(plain); !ok || again.Cmp(value) != 0 {
		return text
	}
	return plain
}

const longestFraction = 10

// parseDate reads a plain date; empty is none.
func parseDate(text string) (money.Date, error) {
	if text == "" {
		return "", nil
	}
	date, err := money.ParseDate(text)
	if err != nil {
		return "", fmt.Errorf("%q is not a date", clip(text, 40))
	}
	return date, nil
}
