// The DNS UPDATE clients of external-dns and cert-manager, without the rest of them: tests run them against PeakDNS.
//
//	dns-clients external-dns FLAG...
//	    brings a zone to the endpoints (JSON) on standard input, as one round of external-dns with these flags does
//	dns-clients cert-manager present|cleanup NAMESERVER ALGORITHM KEY SECRET FQDN ZONE VALUE
//	    does what cert-manager's rfc2136 solver does for a challenge
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	solver "github.com/cert-manager/cert-manager/pkg/issuer/acme/dns/rfc2136"
	"sigs.k8s.io/external-dns/endpoint"
	"sigs.k8s.io/external-dns/pkg/apis/externaldns"
	"sigs.k8s.io/external-dns/plan"
	provider "sigs.k8s.io/external-dns/provider/rfc2136"
	registry "sigs.k8s.io/external-dns/registry/txt"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) > 0 && args[0] == "external-dns" {
		return externalDNS(context.Background(), args[1:])
	}
	if len(args) == 9 && args[0] == "cert-manager" {
		return certManager(args[1:])
	}
	return fmt.Errorf("see the comment at the top of main.go")
}

func externalDNS(ctx context.Context, flags []string) error {
	config := externaldns.NewConfig()
	if err := config.ParseFlags(flags); err != nil {
		return err
	}
	var desired []*endpoint.Endpoint
	if err := json.NewDecoder(os.Stdin).Decode(&desired); err != nil {
		return err
	}
	filter := endpoint.NewDomainFilterWithOptions(endpoint.WithDomainFilter(config.DomainFilter))
	client, err := provider.New(ctx, config, filter)
	if err != nil {
		return err
	}
	owned, err := registry.New(config, client)
	if err != nil {
		return err
	}
	current, err := owned.Records(ctx)
	if err != nil {
		return err
	}
	desired, err = owned.AdjustEndpoints(desired)
	if err != nil {
		return err
	}
	round := &plan.Plan{
		Policies:       []plan.Policy{plan.Policies[config.Policy]},
		Current:        current,
		Desired:        desired,
		DomainFilter:   endpoint.MatchAllDomainFilters{filter, owned.GetDomainFilter()},
		ManagedRecords: config.ManagedDNSRecordTypes,
		OwnerID:        owned.OwnerID(),
	}
	changes := round.Calculate().Changes
	fmt.Printf("create %d, update %d, delete %d\n", len(changes.Create), len(changes.UpdateNew), len(changes.Delete))
	if !changes.HasChanges() {
		return nil
	}
	return owned.ApplyChanges(ctx, changes)
}

func certManager(args []string) error {
	verb, nameserver, algorithm, key, secret, fqdn, zone, value := args[0], args[1], args[2], args[3], args[4], args[5], args[6], args[7]
	dns, err := solver.NewDNSProviderCredentials(nameserver, algorithm, key, secret)
	if err != nil {
		return err
	}
	if verb == "cleanup" {
		return dns.CleanUp("", fqdn, zone, value)
	}
	return dns.Present("", fqdn, zone, value)
}
