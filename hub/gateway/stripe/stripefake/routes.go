package stripefake

// routes is the one list of endpoints.
var routes = []route{
	{"GET", "/v1/account", (*Fake).getOwnAccount, true},
	{"GET", "/v1/accounts", (*Fake).listAccounts, false},
	{"POST", "/v1/accounts", (*Fake).createAccount, false},
	{"GET", "/v1/accounts/*", (*Fake).getAccount, false},
	{"POST", "/v1/accounts/*", (*Fake).updateAccount, false},
	{"DELETE", "/v1/accounts/*", (*Fake).deleteAccount, false},
	{"POST", "/v1/account_links", (*Fake).createLink, false},

	{"GET", "/v1/country_specs/*", (*Fake).getCountry, false},

	{"GET", "/v1/balance", (*Fake).getBalance, true},
	{"GET", "/v1/balance_transactions", (*Fake).listTransactions, true},
	{"GET", "/v1/balance_transactions/*", (*Fake).getTransaction, true},
	{"GET", "/v1/payouts", (*Fake).listPayouts, true},
	{"GET", "/v1/payouts/*", (*Fake).getPayout, true},

	{"GET", "/v1/charges", (*Fake).listCharges, true},
	{"GET", "/v1/charges/*", (*Fake).getCharge, true},

	{"GET", "/v1/checkout/sessions", (*Fake).listSessions, false},
	{"POST", "/v1/checkout/sessions", (*Fake).createSession, false},
	{"GET", "/v1/checkout/sessions/*", (*Fake).getSession, false},
	{"GET", "/v1/checkout/sessions/*/line_items", (*Fake).getLines, false},
	{"POST", "/v1/checkout/sessions/*/expire", (*Fake).postExpire, false},

	{"GET", "/v1/customers", (*Fake).listCustomers, false},
	{"POST", "/v1/customers", (*Fake).createCustomer, false},
	{"GET", "/v1/customers/*", (*Fake).getCustomer, false},
	{"POST", "/v1/customers/*", (*Fake).updateCustomer, false},
	{"DELETE", "/v1/customers/*", (*Fake).deleteCustomer, false},
	{"GET", "/v1/customers/*/payment_methods", (*Fake).listMethods, false},
	{"GET", "/v1/payment_methods", (*Fake).listMethods, false},
	{"GET", "/v1/payment_methods/*", (*Fake).getMethod, false},
	{"POST", "/v1/payment_methods/*/attach", (*Fake).attachMethod, false},
	{"POST", "/v1/payment_methods/*/detach", (*Fake).detachMethod, false},
	{"GET", "/v1/setup_intents/*", (*Fake).getSetup, false},

	{"GET", "/v1/disputes", (*Fake).listDisputes, false},
	{"GET", "/v1/disputes/*", (*Fake).getDispute, false},
	{"POST", "/v1/disputes/*", (*Fake).updateDispute, false},
	{"POST", "/v1/disputes/*/close", (*Fake).postCloseDispute, false},
	{"POST", "/v1/files", (*Fake).createFile, false},
	{"GET", "/v1/files/*", (*Fake).getFile, false},

	{"GET", "/v1/events", (*Fake).listEvents, true},
	{"GET", "/v1/events/*", (*Fake).getEvent, true},

	{"GET", "/v1/payment_intents", (*Fake).listIntents, false},
	{"POST", "/v1/payment_intents", (*Fake).createIntent, false},
	{"GET", "/v1/payment_intents/*", (*Fake).getIntent, false},
	{"POST", "/v1/payment_intents/*/confirm", (*Fake).confirmIntent, false},
	{"POST", "/v1/payment_intents/*/cancel", (*Fake).postCancelIntent, false},

	{"GET", "/v1/refunds", (*Fake).listRefunds, false},
	{"POST", "/v1/refunds", (*Fake).createRefund, false},
	{"GET", "/v1/refunds/*", (*Fake).getRefund, false},
	{"POST", "/v1/refunds/*", (*Fake).updateRefund, false},

	{"GET", "/v1/transfers", (*Fake).listTransfers, false},
	{"POST", "/v1/transfers", (*Fake).createTransfer, false},
	{"GET", "/v1/transfers/*", (*Fake).getTransfer, false},
	{"POST", "/v1/transfers/*", (*Fake).updateTransfer, false},
	{"GET", "/v1/transfers/*/reversals", (*Fake).listReversals, false},
	{"POST", "/v1/transfers/*/reversals", (*Fake).createReversal, false},
	{"GET", "/v1/transfers/*/reversals/*", (*Fake).getReversal, false},
	{"POST", "/v1/transfers/*/reversals/*", (*Fake).updateReversal, false},
}
