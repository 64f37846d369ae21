// The provider "aws" as far as tofu needs one to judge a configuration: it serves the schema that
// schema.py made, from the file schema.json beside the program, so that an argument that is wrong,
// missing or of another type is refused. It creates nothing: tofu test puts mocks in its place.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tfprotov5/tf5server"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

const address = "hashicorp/aws"

type attribute struct {
	Type     json.RawMessage
	Required bool
	Optional bool
	Computed bool
}

type block struct {
	Attributes map[string]attribute
	Blocks     map[string]nested
}

type nested struct {
	Block    block
	Nesting  string
	Min, Max int64
}

// setComputed returns the names of what is set although only the provider may: the protocol leaves it
// to providers to refuse that.
func (b block) setComputed(value tftypes.Value) []string {
	var members map[string]tftypes.Value
	if !value.IsKnown() || value.IsNull() || value.As(&members) != nil {
		return nil
	}
	var found []string
	for name, a := range b.Attributes {
		if a.Computed && !a.Optional && !members[name].IsNull() {
			found = append(found, name)
		}
	}
	for name, n := range b.Blocks {
		inner := []tftypes.Value{members[name]}
		if n.Nesting != "single" && (!members[name].IsKnown() || members[name].As(&inner) != nil) {
			continue
		}
		for _, v := range inner {
			for _, attribute := range n.Block.setComputed(v) {
				found = append(found, name+"."+attribute)
			}
		}
	}
	return found
}

type schemas struct {
	Provider    block
	Resources   map[string]block
	DataSources map[string]block `json:"data_sources"`
}

func (b block) convert() (*tfprotov5.SchemaBlock, error) {
	out := &tfprotov5.SchemaBlock{}
	for name, a := range b.Attributes {
		kind, err := tftypes.ParseJSONType(a.Type) //nolint:staticcheck // the protocol's own notation
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out.Attributes = append(out.Attributes, &tfprotov5.SchemaAttribute{
			Name: name, Type: kind, Required: a.Required, Optional: a.Optional, Computed: a.Computed})
	}
	for name, n := range b.Blocks {
		inner, err := n.Block.convert()
		if err != nil {
			return nil, fmt.Errorf("%s.%w", name, err)
		}
		nesting := map[string]tfprotov5.SchemaNestedBlockNestingMode{
			"list": tfprotov5.SchemaNestedBlockNestingModeList, "set": tfprotov5.SchemaNestedBlockNestingModeSet,
			"single": tfprotov5.SchemaNestedBlockNestingModeSingle}[n.Nesting]
		out.BlockTypes = append(out.BlockTypes, &tfprotov5.SchemaNestedBlock{
			TypeName: name, Block: inner, Nesting: nesting, MinItems: n.Min, MaxItems: n.Max})
	}
	return out, nil
}

func convertAll(blocks map[string]block) (map[string]*tfprotov5.Schema, error) {
	out := map[string]*tfprotov5.Schema{}
	for name, b := range blocks {
		converted, err := b.convert()
		if err != nil {
			return nil, fmt.Errorf("%s.%w", name, err)
		}
		out[name] = &tfprotov5.Schema{Block: converted}
	}
	return out, nil
}

func read(path string) (*server, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var all schemas
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, err
	}
	own, err := all.Provider.convert()
	if err != nil {
		return nil, err
	}
	resources, err := convertAll(all.Resources)
	if err != nil {
		return nil, err
	}
	data, err := convertAll(all.DataSources)
	if err != nil {
		return nil, err
	}
	return &server{resources: all.Resources, schema: &tfprotov5.GetProviderSchemaResponse{
		Provider: &tfprotov5.Schema{Block: own}, ResourceSchemas: resources, DataSourceSchemas: data}}, nil
}

// The methods that are not here are those of the nil interface: nobody calls them, as nothing is
// planned or applied without a mock. Between two mocked applies the state is read, though.
type server struct {
	tfprotov5.ProviderServer
	resources map[string]block
	schema    *tfprotov5.GetProviderSchemaResponse
}

func (s *server) GetMetadata(context.Context, *tfprotov5.GetMetadataRequest) (*tfprotov5.GetMetadataResponse, error) {
	out := &tfprotov5.GetMetadataResponse{}
	for name := range s.schema.ResourceSchemas {
		out.Resources = append(out.Resources, tfprotov5.ResourceMetadata{TypeName: name})
	}
	for name := range s.schema.DataSourceSchemas {
		out.DataSources = append(out.DataSources, tfprotov5.DataSourceMetadata{TypeName: name})
	}
	return out, nil
}

func (s *server) GetProviderSchema(context.Context, *tfprotov5.GetProviderSchemaRequest) (*tfprotov5.GetProviderSchemaResponse, error) {
	return s.schema, nil
}

func (s *server) PrepareProviderConfig(_ context.Context, r *tfprotov5.PrepareProviderConfigRequest) (*tfprotov5.PrepareProviderConfigResponse, error) {
	return &tfprotov5.PrepareProviderConfigResponse{PreparedConfig: r.Config}, nil
}

func (s *server) ConfigureProvider(context.Context, *tfprotov5.ConfigureProviderRequest) (*tfprotov5.ConfigureProviderResponse, error) {
	return &tfprotov5.ConfigureProviderResponse{}, nil
}

func (s *server) StopProvider(context.Context, *tfprotov5.StopProviderRequest) (*tfprotov5.StopProviderResponse, error) {
	return &tfprotov5.StopProviderResponse{}, nil
}

func (s *server) GetResourceIdentitySchemas(context.Context, *tfprotov5.GetResourceIdentitySchemasRequest) (*tfprotov5.GetResourceIdentitySchemasResponse, error) {
	return &tfprotov5.GetResourceIdentitySchemasResponse{}, nil
}

func (s *server) UpgradeResourceState(_ context.Context, r *tfprotov5.UpgradeResourceStateRequest) (*tfprotov5.UpgradeResourceStateResponse, error) {
	kind := s.schema.ResourceSchemas[r.TypeName].ValueType()
	value, err := r.RawState.Unmarshal(kind)
	if err != nil {
		return nil, err
	}
	state, err := tfprotov5.NewDynamicValue(kind, value)
	return &tfprotov5.UpgradeResourceStateResponse{UpgradedState: &state}, err
}

func (s *server) ValidateResourceTypeConfig(_ context.Context, r *tfprotov5.ValidateResourceTypeConfigRequest) (*tfprotov5.ValidateResourceTypeConfigResponse, error) {
	out := &tfprotov5.ValidateResourceTypeConfigResponse{}
	value, err := r.Config.Unmarshal(s.schema.ResourceSchemas[r.TypeName].ValueType())
	if err != nil {
		return nil, err
	}
	for _, name := range s.resources[r.TypeName].setComputed(value) {
		out.Diagnostics = append(out.Diagnostics, &tfprotov5.Diagnostic{
			Severity: tfprotov5.DiagnosticSeverityError,
			Summary:  fmt.Sprintf("%s of %s cannot be set: the provider decides it", name, r.TypeName)})
	}
	return out, nil
}

func (s *server) ValidateDataSourceConfig(context.Context, *tfprotov5.ValidateDataSourceConfigRequest) (*tfprotov5.ValidateDataSourceConfigResponse, error) {
	return &tfprotov5.ValidateDataSourceConfigResponse{}, nil
}

func (s *server) GetFunctions(context.Context, *tfprotov5.GetFunctionsRequest) (*tfprotov5.GetFunctionsResponse, error) {
	return &tfprotov5.GetFunctionsResponse{}, nil
}

func main() {
	program, err := os.Executable()
	if err != nil {
		log.Fatal(err)
	}
	path := filepath.Join(filepath.Dir(program), "schema.json")
	served, err := read(path)
	if err != nil {
		log.Fatalf("%s: %v", path, err)
	}
	if err := tf5server.Serve(address, func() tfprotov5.ProviderServer { return served }); err != nil {
		log.Fatal(err)
	}
}
