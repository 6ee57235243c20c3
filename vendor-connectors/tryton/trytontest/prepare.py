"""Makes books in an empty Tryton database: usage prepare.py DATABASE CONFIG PASSWORD.

A company that keeps its books in US dollars, the fiscal years around this one, the
chart of accounts that comes with Tryton, the ways to pay and to write off that the
tests use, and two users with the password: "sheaf", with no more rights than the
hub needs, and "outsider", who may not read invoices. What was made is printed as
JSON.
"""
import datetime
import json
import sys
from decimal import Decimal

from proteus import Model, Wizard, config

name, conf, password = sys.argv[1:4]
config.set_trytond(database='sqlite:///' + name, user='admin', config_file=conf)

Module = Model.get('ir.module')
Module.click(Module.find([('name', 'in', ['account_invoice', 'account_payment'])]), 'activate')
Wizard('ir.module.activate_upgrade').execute('upgrade')

Currency = Model.get('currency.currency')
Rate = Model.get('currency.currency.rate')
currencies = {}
for code, digits, rate in [('USD', 2, '1'), ('EUR', 2, '2'), ('JPY', 0, '100'), ('KWD', 3, '0.5')]:
    currency = Currency(name=code, symbol=code, code=code, digits=digits, rounding=Decimal(1).scaleb(-digits))
    currency.rates.append(Rate(date=datetime.date(2020, 1, 1), rate=Decimal(rate)))
    currency.save()
    currencies[code] = currency

Party = Model.get('party.party')
setup = Wizard('company.company.config')
setup.execute('company')
own = Party(name='The Vendor')
own.save()
setup.form.party = own
setup.form.currency = currencies['USD']
setup.execute('add')
Company = Model.get('company.company')
company, = Company.find([])
company.cancel_invoice_out = True
company.save()
User = Model.get('res.user')
admin, = User.find([('login', '=', 'admin')])
admin.company = company
admin.companies.append(Company(company.id))
admin.save()
config.get_config()._context = User.get_preferences(True, config.get_config().context)

Sequence = Model.get('ir.sequence')
Strict = Model.get('ir.sequence.strict')
Kind = Model.get('ir.sequence.type')


def kind_of(title):
    kind, = Kind.find([('name', '=', title)], limit=1)
    return kind


today = datetime.date.today()
Year = Model.get('account.fiscalyear')
for number in sorted({2026, today.year - 1, today.year, today.year + 1}):  # the suite's payments are of 2026
    year = Year(name=str(number), company=company)
    year.start_date, year.end_date = datetime.date(number, 1, 1), datetime.date(number, 12, 31)
    moves = Sequence(name=str(number), sequence_type=kind_of('Account Move'), company=company)
    moves.save()
    year.post_move_sequence = moves
    invoices = Strict(name=str(number), prefix='%d-' % number, sequence_type=kind_of('Invoice'), company=company)
    invoices.save()
    row = year.invoice_sequences[0] if year.invoice_sequences else year.invoice_sequences.new()
    row.in_invoice_sequence = row.in_credit_note_sequence = invoices
    row.out_invoice_sequence = row.out_credit_note_sequence = invoices
    year.save()
    year.click('create_period')

Template = Model.get('account.account.template')
template, = Template.find([('parent', '=', None)], limit=1)
chart = Wizard('account.create_chart')
chart.execute('account')
chart.form.account_template = template
chart.form.company = company
chart.execute('create_account')
Account = Model.get('account.account')


def account(**kind):
    found, = Account.find([('type.' + key, '=', value) for key, value in kind.items()] + [('company', '=', company.id)], limit=1)
    return found


receivable, payable = account(receivable=True), account(payable=True)
chart.form.account_receivable, chart.form.account_payable = receivable, payable
chart.execute('create_properties')
revenue, expense = account(revenue=True), account(expense=True)
cash = Account.find([('name', 'ilike', '%cash%'), ('type', '!=', None)], limit=1)
cash = cash[0] if cash else expense

Journal = Model.get('account.journal')
journal, = Journal.find([('type', '=', 'cash')], limit=1)
Method = Model.get('account.invoice.payment.method')
for title, target in [('Sheaf', cash), ('Sheaf clearing', cash)]:
    Method(name=title, company=company, journal=journal, debit_account=target, credit_account=target).save()

writing_off = Journal(name='Write-off', code='WO', type='write-off', sequence=journal.sequence)
writing_off.save()
WriteOff = Model.get('account.move.reconcile.write_off')
WriteOff(name='Discounts given', company=company, journal=writing_off, debit_account=expense, credit_account=revenue).save()

Term = Model.get('account.invoice.payment_term')
terms = {}
for title, parts in [('Net 30', [(None, 30)]), ('Half now, half later', [(Decimal('0.5'), 10), (None, 40)])]:
    term = Term(name=title)
    for ratio, days in parts:
        line = term.lines.new()
        line.type = 'percent' if ratio else 'remainder'
        if ratio:
            line.ratio = ratio
        delta = line.relativedeltas[0] if line.relativedeltas else line.relativedeltas.new()
        delta.days = days
    term.save()
    terms[title] = term.id

Group = Model.get('res.group')
for login, groups in [('sheaf', ['Account']), ('outsider', [])]:
    user = User(name=login.title(), login=login, password=password)
    user.companies.append(Company(company.id))
    user.company = company
    for title in groups:
        group, = Group.find([('name', '=', title)])
        user.groups.append(group)
    user.save()

print(json.dumps({'company': company.id, 'receivable': receivable.id, 'revenue': revenue.id, 'terms': terms, 'currencies': {c: x.id for c, x in currencies.items()}}))
