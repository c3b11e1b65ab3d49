package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"smiletill/payment"
	"smiletill/payment/register"
)

// The kinds of receipts.
const (
	customerReceipt = "CustomerReceipt"
	cashierReceipt  = "CashierReceipt"
)

func registerPayCommand(a *app) *cobra.Command {
	r := &asRegister{}
	reference, tip := "", ""
	cmd := &cobra.Command{
		Use: "pay AMOUNT [CURRENCY]", Short: "Have a terminal take a payment, as a register does",
		Long: "Have a terminal take a payment, and wait for its end. The ServiceID is printed first. If the\n" +
			"connection breaks, the terminal is asked how the payment went until that is known; it is never\n" +
			"sent twice. Ctrl-C aborts it. Exit code 0: approved; 3: not approved; 1: something is broken, or\n" +
			"the end is not known; 2: wrong command line.",
		Example: "  smiletill register pay 1.50 EUR\n" +
			"  smiletill register pay 1.50 EUR --url https://192.168.1.20:8443/nexo --fingerprint 41B7... \\\n" +
			"      --poi smiletill-till-1 --key-id counter-1 --passphrase-file secret",
		Args: cobra.RangeArgs(1, 2),
	}
	cmd.Flags().StringVar(&reference, "reference", "",
		"the register's own number of the sale (default the ServiceID)")
	cmd.Flags().StringVar(&tip, "tip", "", "how much of AMOUNT is the tip")
	return r.command(a, cmd, func(cmd *cobra.Command, args []string) error {
		currency := r.cfg.Terminal.Currency
		if len(args) == 2 {
			currency = args[1]
		}
		amount, err := payment.ParseDecimal(args[0], currency)
		if err != nil {
			return &exitError{exitUsage, err}
		}
		amounts := register.AmountsReq{Currency: currency, RequestedAmount: json.Number(amount.Decimal())}
		if tip != "" {
			t, err := payment.ParseDecimal(tip, currency)
			if err != nil {
				return &exitError{exitUsage, fmt.Errorf("--tip: %w", err)}
			}
			amounts.TipAmount = json.Number(t.Decimal())
		}
		if reference == "" {
			reference = r.service
		}
		r.say("ServiceID %s: %s to %s", r.service, amount, r.poi)
		return r.pay(cmd.Context(), amounts, reference)
	})
}

func (r *asRegister) pay(ctx context.Context, amounts register.AmountsReq, reference string) error {
	r.say("waiting for the customer; Ctrl-C aborts")
	e := errand{r: r, category: register.CategoryPayment, service: r.service}
	o, err := e.do(ctx, func(ctx context.Context) (outcome, error) {
		p, err := r.client.Pay(ctx, r.service, reference, amounts, time.Now())
		return outcome{payment: p}, err
	})
	r.printRaw()
	if err != nil {
		return err
	}
	return r.paid(o.payment)
}

// paid tells the end of a payment.
func (r *asRegister) paid(p *register.PaymentResponse) error {
	if p == nil {
		return fmt.Errorf("read the answer: %w: there is no PaymentResponse", register.ErrMessage)
	}
	if p.Response.Result == register.Failure {
		return r.refused("not approved", p.Response)
	}
	text := "approved"
	if p.Result != nil {
		text += fmt.Sprintf(": %s %s", p.Result.Amounts.Authorized, p.Result.Amounts.Currency)
		if tip := p.Result.Amounts.Tip; tip != "" {
			text += fmt.Sprintf(", %s of it tip", tip)
		}
	}
	r.say("%s\ntransaction %s, for `smiletill register reverse`", text, p.POIData.TransactionID.TransactionID)
	r.printReceipt(p.Receipts, customerReceipt)
	return nil
}

// givenBack tells the end of a reversal.
func (r *asRegister) givenBack(v *register.ReversalResponse) error {
	if v == nil {
		return fmt.Errorf("read the answer: %w: there is no ReversalResponse", register.ErrMessage)
	}
	if v.Response.Result == register.Failure {
		return r.refused("not given back", v.Response)
	}
	r.say("given back: %s of transaction %s", v.Amount, v.Original.POITransactionID.TransactionID)
	r.printReceipt(v.Receipts, customerReceipt)
	return nil
}

func registerReverseCommand(a *app) *cobra.Command {
	r := &asRegister{}
	reason := ""
	cmd := &cobra.Command{
		Use: "reverse TRANSACTION [AMOUNT]", Short: "Give a payment back, in whole or in part",
		Long: "Give a payment back: all that is left of it, or AMOUNT in its currency. TRANSACTION is what the\n" +
			"payment's answer names so (POITransactionID). If the connection breaks, the terminal is asked how\n" +
			"it went; it is never sent twice. Exit code 0: given back; 3: not; 1: broken; 2: wrong command line.",
		Args: cobra.RangeArgs(1, 2),
	}
	cmd.Flags().StringVar(&reason, "reason", "MerchantCancel",
		"CustCancel, Malfunction, MerchantCancel or Unable2Compl")
	return r.command(a, cmd, func(cmd *cobra.Command, args []string) error {
		number := append(args, "")[1]
		if strings.Trim(number, "0123456789.") != "" {
			return usage(fmt.Errorf("%q is no amount", number), "write digits and a point, as in 1.50")
		}
		r.say("ServiceID %s: reversal of %s", r.service, args[0])
		e := errand{r: r, category: register.CategoryReversal, service: r.service}
		o, err := e.do(cmd.Context(), func(ctx context.Context) (outcome, error) {
			v, err := r.client.Reverse(ctx, r.service, args[0], number, reason, time.Now())
			return outcome{reversal: v}, err
		})
		r.printRaw()
		if err != nil {
			return err
		}
		return r.givenBack(o.reversal)
	})
}

func registerAbortCommand(a *app) *cobra.Command {
	r := &asRegister{}
	cmd := &cobra.Command{
		Use: "abort SERVICE_ID", Short: "End a payment that runs, and tell how it ended",
		Long: "End the payment that a message of the same --sale began, and tell how it ended. A payment that\n" +
			"had its end already keeps it. Exit code 0: nothing was charged; 3: it was approved before, or is\n" +
			"not known; 1: broken; 2: wrong command line.",
		Args: cobra.ExactArgs(1),
	}
	return r.command(a, cmd, func(cmd *cobra.Command, args []string) error {
		if err := r.abort(cmd.Context(), args[0]); err != nil {
			return unanswered(err)
		}
		interrupts, stop := interruptions(cmd.Context())
		defer stop()
		e := errand{r: r, category: register.CategoryPayment, service: args[0], interrupts: interrupts,
			aborted: true}
		o, err := e.follow(context.WithoutCancel(cmd.Context()))
		r.printRaw()
		if errors.Is(err, errUnknown) {
			return &exitError{exitNotPayed, withHint(err, "check the ServiceID and --sale")}
		}
		if err != nil {
			return err
		}
		if a := o.response(); a.Result == register.Failure {
			r.say("payment %s has ended: %s (%s)", args[0], register.Message(a), a.ErrorCondition)
			return nil
		}
		return &exitError{exitNotPayed, withHint(fmt.Errorf("payment %s was approved before", args[0]),
			"`smiletill register reverse %s` gives it back", o.payment.POIData.TransactionID.TransactionID),
		}
	})
}

func registerStatusCommand(a *app) *cobra.Command {
	r := &asRegister{}
	receipt := ""
	cmd := &cobra.Command{
		Use: "status [SERVICE_ID]", Short: "Ask how a payment or a reversal went",
		Long: "Ask how the payment or reversal with a ServiceID went, or the latest of this --sale. Exit code\n" +
			"0: approved or given back; 3: not, not yet, or not known to the terminal; 1: broken; 2: wrong\n" +
			"command line.",
		Args: cobra.MaximumNArgs(1),
	}
	f := cmd.Flags()
	f.StringVar(&receipt, "receipt", "", "print its receipt again: customer or cashier")
	f.Lookup("receipt").NoOptDefVal = "customer"
	return r.command(a, cmd, func(cmd *cobra.Command, args []string) error {
		document, known := map[string]string{
			"": "", "customer": customerReceipt, "cashier": cashierReceipt,
		}[receipt]
		if !known {
			return usage(fmt.Errorf("--receipt=%s is no receipt", receipt), "write customer or cashier")
		}
		q := register.TransactionStatusRequest{}
		if len(args) == 1 {
			q.Reference = &register.MessageReference{SaleID: r.sale, ServiceID: args[0]}
		}
		if document != "" {
			q.Reprint, q.Documents = true, []string{document}
		}
		answer, err := r.client.Status(cmd.Context(), r.service, q)
		r.printRaw()
		if err != nil {
			return unanswered(err)
		}
		return r.tellStatus(answer, document)
	})
}

func (r *asRegister) tellStatus(answer *register.TransactionStatusResponse, document string) error {
	if answer.Response.Result != register.Success || answer.Repeated == nil {
		return r.refused("no end is known", answer.Response)
	}
	h, p, v := answer.Repeated.Header, answer.Repeated.Body.Payment, answer.Repeated.Body.Reversal
	r.say("%s %s of %s", h.MessageCategory, h.ServiceID, h.SaleID)
	receipts := []register.Receipt{}
	var err error
	if p != nil {
		receipts, p.Receipts = p.Receipts, nil
		err = r.paid(p)
	} else {
		if v != nil {
			receipts, v.Receipts = v.Receipts, nil
		}
		err = r.givenBack(v)
	}
	if document != "" {
		r.printReceipt(receipts, document)
	}
	return err
}
