package main

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"go.etcd.io/etcd/server/v3/embed"
	"k8s.io/client-go/rest"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	apiserveroptions "k8s.io/kubernetes/cmd/kube-apiserver/app/options"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
)

const defaultControllers = "namespace-controller,garbage-collector-controller,serviceaccount-controller," +
	"serviceaccount-token-controller,root-ca-certificate-publisher-controller,clusterrole-aggregation-controller," +
	"deployment-controller,replicaset-controller,statefulset-controller,daemonset-controller,job-controller," +
	"cronjob-controller,endpointslice-controller,validatingadmissionpolicy-status-controller"

func startEtcd(dataDir string) (*embed.Etcd, string, error) {
	loopback := []url.URL{{Scheme: "http", Host: "127.0.0.1:0"}}
	c := embed.NewConfig()
	c.Dir = dataDir
	c.ListenClientUrls, c.AdvertiseClientUrls = loopback, loopback
	c.ListenPeerUrls, c.AdvertisePeerUrls = loopback, loopback
	c.InitialCluster = c.InitialClusterFromName(c.Name)
	c.LogLevel = "fatal"
	c.EnableGRPCGateway = false // it would dial the advertised port 0
	c.UnsafeNoFsync = true
	c.QuotaBackendBytes = 8 << 30
	c.AutoCompactionMode = "periodic"
	c.AutoCompactionRetention = "5m"
	e, err := embed.StartEtcd(c)
	if err != nil {
		return nil, "", err
	}
	select {
	case <-e.Server.ReadyNotify():
		return e, "http://" + e.Clients[0].Addr().String(), nil
	case err := <-e.Err():
		return nil, "", err
	case <-time.After(startLimit):
		return nil, "", fmt.Errorf("not ready in %s", startLimit)
	}
}

func runAPIServer(ctx context.Context, o *options, listener net.Listener, etcdURL string, p *pki) error {
	s := apiserveroptions.NewServerRunOptions()
	flags := pflag.NewFlagSet("kube-apiserver", pflag.ContinueOnError)
	for _, set := range s.Flags().FlagSets {
		flags.AddFlagSet(set)
	}
	args := append([]string{
		"--etcd-servers=" + etcdURL,
		"--bind-address=127.0.0.1",
		"--advertise-address=127.0.0.1",
		"--tls-cert-file=" + p.path("server.crt"),
		"--tls-private-key-file=" + p.path("server.key"),
		"--client-ca-file=" + p.path("ca.crt"),
		"--authorization-mode=Node,RBAC",
		"--service-cluster-ip-range=10.96.0.0/16",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + p.path("sa.pub"),
		"--service-account-signing-key-file=" + p.path("sa.key"),
		"--allow-privileged=true",
		"--endpoint-reconciler-type=none",
		fmt.Sprintf("--v=%d", o.verbosity),
	}, strings.Fields(o.apiserverArgs)...)
	if err := flags.Parse(args); err != nil {
		return err
	}
	s.SecureServing.Listener = listener
	s.SecureServing.BindPort = listener.Addr().(*net.TCPAddr).Port
	if err := s.GenericServerRunOptions.ComponentGlobalsRegistry.Set(); err != nil {
		return err
	}
	rest.SetDefaultWarningHandler(rest.NoWarnings{})
	completed, err := s.Complete(ctx)
	if err != nil {
		return err
	}
	if errs := completed.Validate(); len(errs) > 0 {
		return fmt.Errorf("kube-apiserver: %v", errs)
	}
	return apiserver.Run(ctx, completed)
}

func runControllers(ctx context.Context, o *options, kubeconfig string, p *pki) error {
	command := controllermanager.NewControllerManagerCommand()
	command.SilenceUsage = true
	command.SetArgs([]string{
		"--kubeconfig=" + kubeconfig,
		"--controllers=" + o.controllers,
		"--leader-elect=false",
		"--secure-port=0",
		"--root-ca-file=" + p.path("ca.crt"),
		"--service-account-private-key-file=" + p.path("sa.key"),
		"--kube-api-qps=500", "--kube-api-burst=1000",
		"--controller-start-interval=0s",
		"--concurrent-namespace-syncs=20",
		fmt.Sprintf("--v=%d", o.verbosity),
	})
	return command.ExecuteContext(ctx)
}
